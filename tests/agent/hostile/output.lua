--- emits for ever
while true do emit{body = "x"} end
--- emits for ever in pcall
while true do pcall(emit, {body = "x"}) end
--- emits giants
local s = ("x"):rep(500000) while true do emit{body = s} end
--- emits with many fields
local t = {body = "x"} for i = 1, 10000 do t["f" .. i] = i end emit(t)
--- emits a table that lies
emit(setmetatable({}, {__index = function() return "x" end, __pairs = function() while true do end end}))
--- emits without a body
emit{}
--- emits numbers as keys
emit{body = "x", [1] = 2}
--- emits tables as values
emit{body = "x", f = {}}
--- emits the record
emit(record)
--- emits nothing
emit()
--- emits and fails
emit{body = "x"} error("late")
--- emits and drops
emit{body = "x"} drop() while true do end
--- giant field
record.x = ("x"):rep(2000000)
--- giant field in pcall
while true do pcall(function() record.x = ("x"):rep(1000000) end) end
--- many fields
for i = 1, 1e9 do record["f" .. i] = i end
--- giant name of a field
record[("k"):rep(100000)] = 1
--- empty name of a field
record[""] = 1
--- name that is no text
record[1] = 1
--- name that is a table
record[{}] = 1
--- field that is a table
record.x = {}
--- field that is a function
record.x = pcall
--- field that is the record
record.x = record
--- field that is not a number
record.x = 0 / 0 record.y = 1 / 0 record.z = math.mininteger
--- field with zero bytes
record["a\0b"] = "c\0d\xff\xfe"
--- takes a field away
record.x = 1 record.x = nil
--- reads what is not there
local a = record.nothing + 1
--- sets the line
record.line = "other"
--- body that is a table
record.body = {}
--- body that is nothing
record.body = nil
--- giant body
record.body = ("x"):rep(1500000)
--- body for ever
while true do record.body = record.body .. "x" end
--- level that is none
record.level = "loud"
--- level that is a number
record.level = 99
--- level that is giant
record.level = ("error"):rep(100000)
--- time that is a text
record.time = "now"
--- time that is a fraction
record.time = 1.5
--- time that is far
record.time = math.maxinteger
--- time before all
record.time = math.mininteger
--- set_time with junk
for _, t in ipairs({"", "x", "99/99/9999", ("9"):rep(100000), "\0"}) do record:set_time(t) end
--- set_time with wrong formats
for _, f in ipairs({"%", "%%", "%q", "%Y%Y%Y", ("%Y"):rep(10000), ("%d"):rep(10000), " ", "%s%f"}) do record:set_time("2026", f) end
--- set_time far away
record:set_time("9999-12-31", "%Y-%m-%d") record:set_time("0001-01-01", "%Y-%m-%d") record:set_time("99999999999", "%s")
--- set_time with a bad day
record:set_time("2026-02-31 25:61:61", "%Y-%m-%d %H:%M:%S")
--- set_time for ever
while true do record:set_time("Mar 1 00:00:00", "%b %d %H:%M:%S") end
--- methods without the record
local f = record.field f() f(nil, nil) record.set_field() record.set_time()
--- methods on another thing
record.set_time("x", "2026-03-01T00:00:00Z", "%Y")
--- drop with arguments
drop(1, 2, 3)
--- drops always
return drop()
--- returns many
return 1, 2, 3, 4, 5, 6, 7, 8, 9
--- returns a giant
return ("x"):rep(1000000)
--- returns itself
return record
