-- Apache httpd: its access log (formats "common" and "combined", with or without a virtual host before them) and error log.
--
--     192.0.2.10 - frank [01/Mar/2026:13:55:36 +0100] "GET /apache_pb.gif HTTP/1.0" 200 2326
--
-- becomes
--
--     { time = 2026-03-01T12:55:36Z, level = "info", ["client.address"] = "192.0.2.10", ["user.name"] = "frank",
--       ["http.request.method"] = "GET", ["url.path"] = "/apache_pb.gif", ["network.protocol.version"] = "1.0",
--       ["http.response.status_code"] = 200, ["http.response.body.size"] = 2326 }
-- Each byte leaves one way to go on: RE2 reads such a pattern in one pass, three times as fast as others.
local access =
  [=[^(\S+) \S+ (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?]=]
local virtual_host = [[^([\w.-]+):\d+ (.*)$]]
local request = [[^([A-Z]+) ([^ ?]+)(?:\?(\S*))? HTTP/([\d.]+)$]]
local errors = [[^\[\w{3} (\w{3} \d+ \d\d:\d\d:\d\d(?:\.\d+)? \d{4})\] \[(?:([\w-]+):)?([a-z0-9]+)\] (.*)$]]
local error_process = [[^\[pid (\d+)(?::tid \d+)?\] ]]
local error_client = [=[\[client ([^\]]+?)(?::\d+)?\] ]=]
local error_code = [[(AH\d{5}): ]]

-- As the error log writes them.
local levels = { notice = "info", crit = "fatal", alert = "fatal", emerg = "fatal" }

local function parse_access(record, client, user, time, line, status, size, referer, agent)
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
end

local function parse_error(record, time, module, level, rest)
  if not record:set_time(time, "%b %d %H:%M:%S.%f %Y") then record:set_time(time, "%b %d %H:%M:%S %Y") end
  record.level = level:match("^trace") and "trace" or levels[level] or level
  if module then record["apache.module"] = module end
  local pid = rest:match(error_process)
  if pid then record["process.pid"] = pid end
  local client = rest:match(error_client)
  if client then record["client.address"] = client end
  local code = rest:match(error_code)
  if code then record["error.code"] = code end
end

return {
  summary = "Apache httpd: access log (common, combined, with virtual host) and error log.",
  parse = function(record)
    local line = record.line
    local client, user, time, text, status, size, referer, agent = line:match(access)
    if not client then
      local host, rest = line:match(virtual_host)
      if host then client, user, time, text, status, size, referer, agent = rest:match(access) end
      if client then record["server.address"] = host end
    end
    if client then return parse_access(record, client, user, time, text, status, size, referer, agent) end
    local at, module, level, rest = line:match(errors)
    if not at then return false end
    return parse_error(record, at, module, level, rest)
  end,
}
