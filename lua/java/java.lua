-- Java: log lines with a stack trace, joined by multiline (start: '^\d{4}-' or continuation:
-- '^(\s+at |\s+\.\.\. \d+ |Caused by: |\s*Suppressed: )'), and lines without one.
--
--     2026-03-01 12:00:00,123 ERROR [main] c.e.Shop - order failed
--     java.lang.IllegalStateException: no stock
--     	at com.example.Shop.order(Shop.java:42)
--     	at com.example.Main.main(Main.java:7)
--     Caused by: java.io.IOException: connection reset
--     	at com.example.Net.read(Net.java:9)
--     	... 2 more
--
-- becomes
--
--     { time = 2026-03-01T12:00:00.123Z, level = "error", ["thread.name"] = "main", ["log.logger"] = "c.e.Shop",
--       message = "order failed", ["exception.type"] = "java.lang.IllegalStateException",
--       ["exception.message"] = "no stock", ["exception.frames"] = 3, ["exception.top"] =
--       "com.example.Shop.order(Shop.java:42)", ["exception.root.type"] = "java.io.IOException",
--       ["exception.root.message"] = "connection reset" }
local head =
  [=[^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)\s+(?:\[([^\]]+)\]\s+)?(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|SEVERE)\s+(?:\d+ --- )?(?:\[\s*([^\]]+)\]\s+)?([\w.$\[\]/-]+?)\s*(?: - |: )(.*)]=]
local thrown = [[(?m)^(?:Exception in thread "([^"]+)" )?((?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable)[\w$]*)(?:: (.*))?$]]
local cause = [[(?m)^Caused by: ([\w$.]+)(?:: (.*))?$]]
local frame = [[(?m)^\s+at (\S+)]]

return {
  summary = "Java: lines of Logback, Log4j and Spring Boot with exception, root cause and frames of a stack trace.",
  parse = function(record)
    local text = record.line
    local time, thread, level, thread2, logger, message = text:match(head)
    if time then
      record:set_time(time)
      record.level = level
      record["log.logger"] = logger
      record.message = message
      thread = thread or thread2
      if thread then record["thread.name"] = thread end
    end

    local in_thread, class, reason = text:match(thrown)
    if not class then
      if not time then return false end
      return
    end
    if in_thread then record["thread.name"] = in_thread end
    if not time then record.level = "error" end
    record["exception.type"] = class
    if reason then record["exception.message"] = reason end

    local frames, top = 0, nil
    for place in text:gmatch(frame) do
      frames = frames + 1
      top = top or place
    end
    record["exception.frames"] = frames
    if top then record["exception.top"] = top end

    local root, root_reason
    for each, why in text:gmatch(cause) do root, root_reason = each, why end
    if root then
      record["exception.root.type"] = root
      if root_reason then record["exception.root.message"] = root_reason end
    end
  end,
}
