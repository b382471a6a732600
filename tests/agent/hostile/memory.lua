--- doubles a string
local s = "x" while true do s = s .. s end
--- doubles a string in pcall
local s = "x" while true do pcall(function() s = s .. s end) end
--- rep of a gigabyte
string.rep("x", 1 << 30)
--- rep of all integers
string.rep("x", math.maxinteger)
--- rep of nothing, often
string.rep("", math.maxinteger)
--- rep of nothing with nothing between
string.rep("", 1 << 60, "")
--- rep with a separator
string.rep("", 1 << 40, ("s"):rep(1000))
--- rep of rep of rep
(("x"):rep(1000)):rep(1000):rep(1000)
--- rep in a loop
local t = {} for i = 1, 1e6 do t[i] = ("x"):rep(100000) .. i end
--- rep in pcall in a loop
while true do pcall(string.rep, "x", 1 << 21) end
--- table of tables
local t = {} while true do t = {t} end
--- wide table
local t = {} for i = 1, 1e12 do t[i] = i end
--- wide table of texts
local t = {} for i = 1, 1e12 do t["k" .. i] = i end
--- table with far indices
local t = {} for i = 1, 62 do t[1 << i] = i end for i = 1, 1e9 do t[i * 1000003] = i end
--- closures for ever
local t = {} while true do t[#t + 1] = function() return t end end
--- concat of a large table
local t = {} for i = 1, 100000 do t[i] = ("x"):rep(1000) end table.concat(t)
--- concat with a large separator
local t = {} for i = 1, 10000 do t[i] = "" end table.concat(t, ("s"):rep(100000))
--- concat over a range that is not there
table.concat({}, "", 1, 1 << 40)
--- concat over a huge range in pcall
while true do pcall(table.concat, setmetatable({}, {__index = function() return "x" end}), "", 1, 1 << 40) end
--- insert at the front
local t = {} for i = 1, 1e9 do table.insert(t, 1, i) end
--- insert into a table that lies about its length
table.insert(setmetatable({}, {__len = function() return 1 << 40 end}), 1, 1)
--- remove from a table that lies about its length
table.remove(setmetatable({}, {__len = function() return 1 << 40 end}), 1)
--- move of everything
table.move({}, 1, math.maxinteger - 1, 2)
--- move a lot
table.move({}, 1, 1 << 40, 2, {})
--- move within a table with metamethods
table.move(setmetatable({}, {__index = function() return 1 end}), 1, 999999, 1, {})
--- unpack of everything
table.unpack({}, 1, 1 << 30)
--- unpack of a million
table.unpack({}, 1, 1000000)
--- unpack with turned range
table.unpack({}, math.mininteger, math.maxinteger)
--- pack of pack
local t = table.pack(1) while true do t = table.pack(t, t, t, t) end
--- byte of everything
string.byte(("x"):rep(1000000), 1, -1)
--- char of many
local t = {} for i = 1, 250 do t[i] = 65 end local s = string.char(table.unpack(t)) while true do s = s .. s end
--- upper for ever
local s = ("x"):rep(2000000) while true do s = s:upper() end
--- reverse for ever
local s = ("x"):rep(2000000) while true do s = s:reverse() end
--- lower in pcall
local s = ("X"):rep(2000000) while true do pcall(string.lower, s) end
--- sub for ever
local s = ("x"):rep(2000000) while true do local a = s:sub(2) end
--- format with a wide field
string.format("%99999d", 1)
--- format with a long precision
string.format("%.99999f", 1)
--- format of the largest number
while true do string.format("%.99f", 1.7e308) end
--- format with a million of them
string.format(("%d"):rep(100000), 1)
--- format of a giant text
local s = ("x"):rep(2000000) while true do local a = string.format("%s%s%s", s, s, s) end
--- format with q
local s = ("\0"):rep(2000000) while true do local a = string.format("%q", s) end
--- format of percent signs
while true do string.format(("%%"):rep(500000)) end
--- utf8.char of many
local s = utf8.char(0x7fffffff) while true do s = s .. s end
--- utf8.codepoint of everything
utf8.codepoint(("x"):rep(1000000), 1, -1)
--- utf8.len for ever
local s = ("é"):rep(500000) while true do utf8.len(s) end
--- utf8.offset for ever
local s = ("é"):rep(500000) while true do utf8.offset(s, 400000) end
--- utf8.codes over junk
for _ = 1, 1e9 do pcall(function() for p, c in utf8.codes(("\xff"):rep(1000000)) do end end) end
--- sort with a broken comparator
local t = {} for i = 1, 10000 do t[i] = i end table.sort(t, function() return true end)
--- sort with a random comparator
local t = {} for i = 1, 100000 do t[i] = i end table.sort(t, function() return math.random() > 0.5 end)
--- sort with pcall as comparator
local t = {} for i = 1, 100000 do t[i] = i end table.sort(t, pcall)
--- sort that changes its table
local t = {} for i = 1, 1000 do t[i] = 1000 - i end table.sort(t, function(a, b) t[#t + 1] = 1 return a < b end)
--- sort for ever
local t = {} for i = 1, 100000 do t[i] = (i * 7919) % 100003 end while true do table.sort(t, rawequal) end
--- sort in a comparator
local function s() table.sort({3, 2, 1}, function(a, b) s() return a < b end) end s()
--- next over an emptied table
local t = {} for i = 1, 50000 do t["k" .. i] = 1 end for i = 1, 50000 do t["k" .. i] = nil end while true do next(t) end
--- error with a giant message
error(("x"):rep(2000000))
--- error with a giant message, caught
while true do pcall(error, ("x"):rep(2000000)) end
--- tonumber of a giant text
local s = ("9"):rep(2000000) while true do tonumber(s) end
--- tonumber in a base
local s = ("z"):rep(2000000) while true do tonumber(s, 36) end
--- arithmetic on giant texts
local s = ("1"):rep(2000000) while true do local a = s + 1 end
--- varargs grow
local function f(n, ...) return f(n + 1, n, n, n, n, ...) end f(1)
--- weak tables
local t = setmetatable({}, {__mode = "kv"}) while true do t[{}] = {} end
--- keeps what it made
local keep = {} return (function() while true do keep[#keep + 1] = ("x"):rep(1000) .. #keep end end)()
--- chunk keeps from line to line
local keep = {} return {parse = function(record) for i = 1, 20000 do keep[#keep + 1] = record.line .. #keep end end}
