-- nginx: its access log (formats "common" and "combined", with or without a request time behind them) and error log.
--
--     203.0.113.7 - anna [01/Mar/2026:12:00:00 +0000] "GET /cart?id=7 HTTP/1.1" 200 512 "https://shop.example/" "curl/8.5.0"
--
-- becomes
--
--     { time = 2026-03-01T12:00:00Z, level = "info", ["client.address"] = "203.0.113.7", ["user.name"] = "anna",
--       ["http.request.method"] = "GET", ["url.path"] = "/cart", ["url.query"] = "id=7",
--       ["http.response.status_code"] = 200, ["http.response.body.size"] = 512,
--       ["http.request.header.referer"] = "https://shop.example/", ["user_agent.original"] = "curl/8.5.0" }
-- Each byte leaves one way to go on: RE2 reads such a pattern in one pass, three times as fast as others.
local access =
  [=[^(\S+) \S+ (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) (\d+|-)(?: "([^"]*)" "([^"]*)")?(?: (\d+\.\d+))?]=]
local request = [[^([A-Z]+) ([^ ?]+)(?:\?(\S*))? HTTP/([\d.]+)$]]
local errors = [[^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[([a-z]+)\] (\d+)#\d+: (?:\*(\d+) )?(.*)$]]
local error_client = [[, client: ([^,]+)]]
local error_upstream = [[, upstream: "([^"]*)"]]

-- As the error log writes them.
local levels = { notice = "info", crit = "fatal", alert = "fatal", emerg = "fatal" }

local function parse_access(record, client, user, time, line, status, size, referer, agent, seconds)
  record:set_time(time)
  record["client.address"] = client
  if user ~= "-" then record["user.name"] = user end
  local method, path, query, version = line:match(request)
  if method then
    record["http.request.method"] = method
    record["url.path"] = path
    if query then record["url.query"] = query end
    record["network.protocol.version"] = version
  end
  local code = math.tointeger(status)
  record["http.response.status_code"] = code
  record.level = code >= 500 and "error" or code >= 400 and "warn" or "info"
  if size ~= "-" then record["http.response.body.size"] = size end
  if referer and referer ~= "-" then record["http.request.header.referer"] = referer end
  if agent and agent ~= "-" then record["user_agent.original"] = agent end
  if seconds then record["http.server.request.duration"] = seconds end
end

local function parse_error(record, time, level, pid, connection, message)
  record:set_time(time)
  record.level = levels[level] or level
  record["process.pid"] = pid
  if connection then record["nginx.connection"] = connection end
  local client = message:match(error_client)
  if client then record["client.address"] = client end
  local upstream = message:match(error_upstream)
  if upstream then record["nginx.upstream"] = upstream end
end

return {
  summary = "nginx: access log (common, combined, with request time) and error log.",
  parse = function(record)
    local line = record.line
    local client, user, time, text, status, size, referer, agent, seconds = line:match(access)
    if client then return parse_access(record, client, user, time, text, status, size, referer, agent, seconds) end
    local at, level, pid, connection, message = line:match(errors)
    if not at then return false end
    return parse_error(record, at, level, pid, connection, message)
  end,
}
