-- PostgreSQL: what it writes to stderr with the usual prefixes ("%m [%p] " and "%t [%p]: " and Debian's
-- "%m [%p] %q%u@%d "), also when an entry has several lines (multiline with start: '^\d{4}-\d\d-\d\d ').
--
--     2026-03-01 12:00:00.123 UTC [4711] shop@orders LOG:  duration: 812.345 ms  statement: SELECT 1
--
-- becomes
--
--     { time = 2026-03-01T12:00:00.123Z, level = "info", ["process.pid"] = 4711, ["user.name"] = "shop",
--       ["db.namespace"] = "orders", ["postgresql.severity"] = "LOG", ["db.operation.duration_ms"] = 812.345,
--       ["db.query.text"] = "SELECT 1" }
local head =
  [[^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? ([A-Z]+|[+-]\d\d(?::?\d\d)?) \[(\d+)\](?:: \[\d+-\d+\])?:? (?:user=([^,]*),db=([^,]*)\S* |(?:([\w\[\]-]+)@([\w\[\]-]+) ))?([A-Z]+\d?):  ([\s\S]*)$]]
local duration = [[^duration: ([\d.]+) ms]]
local statement = [[(?s)(?:  (?:statement|execute [^:]*|parse [^:]*|bind [^:]*)|^statement): (.*)$]]
local sql_state = [[^([0-9A-Z]{5}): ]]
local attached = [[(?m)^(?:\S.*?)?(DETAIL|HINT|CONTEXT|STATEMENT):  (.*)$]]

local levels = {
  DEBUG = "debug", LOG = "info", INFO = "info", NOTICE = "info", DETAIL = "info", HINT = "info", CONTEXT = "info",
  STATEMENT = "info", QUERY = "info", LOCATION = "info", WARNING = "warn", ERROR = "error", FATAL = "fatal",
  PANIC = "fatal",
}
local names = { DETAIL = "postgresql.detail", HINT = "postgresql.hint", CONTEXT = "postgresql.context",
  STATEMENT = "db.query.text" }

return {
  summary = "PostgreSQL: stderr log with duration, statement and what belongs to an error.",
  parse = function(record)
    local time, fraction, zone, pid, user, database, user2, database2, severity, message = record.line:match(head)
    if not time then return false end
    local level = levels[severity] or (severity:match("^DEBUG") and "debug")
    if not level then return false end

    -- Other names of zones mean this host's.
    if zone == "UTC" or zone == "GMT" or zone:match("^[+-]") then
      if #zone == 3 and zone ~= "UTC" and zone ~= "GMT" then zone = zone .. "00" end
      record:set_time(time .. (fraction or ".0") .. zone, "%Y-%m-%d %H:%M:%S.%f%z")
    else
      record:set_time(time .. (fraction or ".0"), "%Y-%m-%d %H:%M:%S.%f")
    end
    record.level = level
    record["process.pid"] = pid
    record["postgresql.severity"] = severity
    user, database = user or user2, database or database2
    if user and user ~= "" and user ~= "[unknown]" then record["user.name"] = user end
    if database and database ~= "" and database ~= "[unknown]" then record["db.namespace"] = database end

    local ms = message:match(duration)
    if ms then record["db.operation.duration_ms"] = ms end
    if severity == "STATEMENT" then
      record["db.query.text"] = message
    else
      local text = message:match(statement)
      if text then record["db.query.text"] = text end
    end
    local state = message:match(sql_state)
    if state then record["db.response.status_code"] = state end

    -- Lines of the same entry, where multiline has joined them.
    if message:find("\n", 1, true) then
      for kind, text in message:gmatch(attached) do record[names[kind]] = text end
    end
  end,
}
