--- endless while
while true do end
--- endless repeat
repeat until false
--- endless goto
::again:: goto again
--- endless for over floats
for i = 1, math.huge do end
--- for over all integers
for i = math.mininteger, math.maxinteger do end
--- for with a tiny step
for i = 0.0, 1.0, 1e-300 do end
--- loop inside of pcall
pcall(function() while true do end end)
--- pcall in a loop
while true do pcall(error) end
--- loop of pcalls of loops
while true do pcall(function() while true do end end) end
--- goto around a pcall
::again:: pcall(function() while true do end end) goto again
--- nested pcall
pcall(pcall, pcall, pcall, function() while true do end end) while true do end
--- deep nest of pcalls
local function f() pcall(f) while true do end end f()
--- pcall that tries again after each error
local function again() local ok = pcall(function() while true do end end) return again() end again()
--- xpcall with an endless handler
xpcall(function() while true do end end, function() while true do end end)
--- xpcall handler that fails
xpcall(function() error("a") end, function() error("b") end) while true do xpcall(error, error) end
--- xpcall handler calls xpcall
local function h() return xpcall(error, h) end xpcall(error, h)
--- xpcall handler is pcall
while true do xpcall(function() while true do end end, pcall) end
--- endless __close
do local x <close> = setmetatable({}, {__close = function() while true do end end}) end
--- endless __close after an error
pcall(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) error("x") end) while true do end
--- many __close
local function f(n) local x <close> = setmetatable({}, {__close = function() while true do end end}) if n > 0 then f(n - 1) end while true do end end f(150)
--- __close that raises in a loop
while true do pcall(function() local x <close> = setmetatable({}, {__close = function() error("again") end}) error("x") end) end
--- endless __index
local t = setmetatable({}, {__index = function(t, k) while true do end end}) local x = t.x
--- __index that asks itself
local t t = setmetatable({}, {__index = function(_, k) return t[k .. "x"] end}) local x = t.x
--- __index chain in a ring
local a, b = {}, {} setmetatable(a, {__index = b}) setmetatable(b, {__index = a}) local x = a.x
--- __newindex in a ring
local a, b = {}, {} setmetatable(a, {__newindex = b}) setmetatable(b, {__newindex = a}) a.x = 1
--- endless __call
local t = setmetatable({}, {__call = function() while true do end end}) t()
--- chain of __call
local t = {} setmetatable(t, {__call = t}) t()
--- endless __eq
local m = {__eq = function() while true do end end} local x = setmetatable({}, m) == setmetatable({}, m)
--- endless __lt
local m = {__lt = function() while true do end end} local x = setmetatable({}, m) < setmetatable({}, m)
--- endless __concat
local x = setmetatable({}, {__concat = function() while true do end end}) .. "a"
--- endless __len
local x = #setmetatable({}, {__len = function() while true do end end})
--- endless __unm
local x = -setmetatable({}, {__unm = function() while true do end end})
--- endless __tostring
tostring(setmetatable({}, {__tostring = function() while true do end end}))
--- endless __pairs
for k in pairs(setmetatable({}, {__pairs = function() while true do end end})) do end
--- pairs with an endless iterator
for k in function() return 1 end do end
--- ipairs over an endless table
for i, v in ipairs(setmetatable({}, {__index = function(_, i) return i end})) do end
--- next in a circle
local t = {a = 1} for k in function() return (next(t)) end do end
--- while over a false condition in C
while select("#", 1) do end
--- mutual recursion by tail calls
local a, b function a() return b() end function b() return a() end a()
--- endless tail calls
local function f() return f() end f()
--- endless tail calls with many arguments
local function f(...) return f(1, 2, 3, 4, 5, 6, 7, 8, ...) end f()
--- pcall as an iterator
for a in pcall, function() while true do end end do end
--- error objects that loop
while true do pcall(error, setmetatable({}, {__tostring = function() while true do end end})) end
--- raises an object whose text loops
error(setmetatable({}, {__tostring = function() while true do end end}))
--- assert with an endless message
while true do pcall(assert, false, "x") end
--- sleepless arithmetic
local x = 1 while x ~= 0 do x = x * 3 + 1 end
--- string comparison in a loop
local a, b = ("x"):rep(1000000), ("x"):rep(1000000) .. "y" while a ~= b do local c = a < b end
--- long keys in a loop
local s = ("k"):rep(500000) local t = {} for i = 1, 1e9 do t[s .. i] = nil end
--- unpack in a loop
local t = {} for i = 1, 250 do t[i] = i end while true do local a = table.unpack(t) end
--- select from the far end
local function f(...) while true do local a = select(-1, ...) end end local t = {} for i = 1, 250 do t[i] = i end f(table.unpack(t))
