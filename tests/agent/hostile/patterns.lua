--- backtracking bomb
(("a"):rep(40)):match("(a*)*b")
--- lazy bomb
(("a"):rep(5000)):find(".-.-.-.-.-.-.-b")
--- nested plus
(("x"):rep(100000)):match("(x+x+)+y")
--- alternation bomb
(("a"):rep(10000)):match("^(a|a?)+$")
--- repetition bomb
("x"):match("((a{1000}){1000}){1000}")
--- repetition at the limit
while true do (("a"):rep(100000)):match("a{999}b") end
--- many states
(("ab"):rep(50000)):match("[ab]*a[ab]{500}c")
--- many states in a loop
while true do (("ab"):rep(500000)):find("[ab]*a[ab]{200}c") end
--- many groups
("x"):match(("(x)"):rep(100))
--- deep groups
("x"):match(("("):rep(2000) .. "x" .. (")"):rep(2000))
--- open groups
("x"):match(("("):rep(1000))
--- long pattern
("x"):match(("x"):rep(100000))
--- long alternation
("x"):match(("abc|"):rep(1000) .. "x")
--- a new pattern each time
for i = 1, 1e9 do ("x"):find("x" .. i) end
--- a new large pattern each time
for i = 1, 1e9 do ("x"):find("[a-z]{100}[0-9]{100}" .. i) end
--- a new broken pattern each time
for i = 1, 1e9 do pcall(string.find, "x", "(" .. i) end
--- broken patterns
for _, p in ipairs({"(", ")", "[", "]", "*", "+", "?", "{", "\\", "(?", "(?<", "[[:", "a**", "\\p{", "(?P<", "%b()", "%f[", "\0", "\xff"}) do pcall(string.match, "x", p) end
--- backreference
("aa"):match([[(a)\1]])
--- look ahead
("aa"):match("(?=a)a")
--- unicode class
("é"):match([[\p{Greek}+]])
--- gmatch of nothing
for a in (("x"):rep(1000000)):gmatch("") do end
--- gmatch for ever
while true do for a in ("x"):gmatch("x*") do end end
--- gmatch reads to the end each time
for a in (("a"):rep(1000000)):gmatch("a.*b|a") do end
--- gmatch whose body compiles
for a in (("x"):rep(1000)):gmatch("x") do for i = 1, 100 do ("y"):find("y" .. i) end end
--- gsub of nothing
(("x"):rep(1000000)):gsub("", "y")
--- gsub grows
local s = "x" while true do s = s:gsub("x", "xxxxxxxxxx") end
--- gsub with a giant replacement
(("x"):rep(1000)):gsub("x", ("y"):rep(1000000))
--- gsub with an endless function
("x"):gsub("x", function() while true do end end)
--- gsub with pcall as function
(("x"):rep(1000000)):gsub("x", pcall)
--- gsub with upper as function
while true do (("x"):rep(1000000)):gsub("x", string.upper) end
--- gsub with a table that loops
("x"):gsub("x", setmetatable({}, {__index = function() while true do end end}))
--- gsub with itself
local function f(s) return (s:gsub(".", f)) end f("abc")
--- gsub whose function evicts the pattern
(("x"):rep(100)):gsub("(x)", function() for i = 1, 40 do ("y"):find("y" .. i) end return "z" end)
--- gsub with wrong references
for _, r in ipairs({"%", "%2", "%9", "%x", "%%", "%0", "%1"}) do pcall(string.gsub, "x", "x", r) end
--- gsub that returns tables
("x"):gsub("x", function() return {} end)
--- gsub with a negative count
("x"):gsub("x", "y", math.mininteger)
--- gsub with a huge count
(("x"):rep(10)):gsub("", "y", math.maxinteger)
--- find from far away
for _, i in ipairs({0, -1, 5, math.mininteger, math.maxinteger, -1 << 40}) do ("abc"):find("b", i) ("abc"):match("b", i) ("abc"):find("b", i, true) end
--- find plain in a loop
local a, b = ("a"):rep(1000000), ("a"):rep(1000) .. "b" while true do a:find(b, 1, true) end
--- find with wrong types
pcall(string.find, {}, "x") pcall(string.find, "x", {}) pcall(string.gsub, "x", "x") pcall(string.gmatch) string.find()
--- match on binary
for i = 0, 255 do pcall(string.match, record.line, string.char(i)) end
--- quoted text in a pattern
("a.b"):match([[^\Qa.b\E(x)?(y)?(z)?(u)?(v)?(w)?]])
--- many anchored groups that do not match
for i = 1, 1e9 do record.line:match([[^(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)$]]) end
