--- load
if load then record.escaped = "load" end
--- loadstring
if loadstring then record.escaped = "loadstring" end
--- loadfile
if loadfile then record.escaped = "loadfile" end
--- dofile
if dofile then record.escaped = "dofile" end
--- require
if require then record.escaped = "require" end
--- package
if package then record.escaped = "package" end
--- io
if io then record.escaped = "io" end
--- os
if os then record.escaped = "os" end
--- debug
if debug then record.escaped = "debug" end
--- coroutine
if coroutine then record.escaped = "coroutine" end
--- collectgarbage
if collectgarbage then record.escaped = "collectgarbage" end
--- print
if print then record.escaped = "print" end
--- warn
if warn then record.escaped = "warn" end
--- rawset
if rawset then record.escaped = "rawset" end
--- newproxy and the like
if newproxy or setfenv or getfenv or module or unpack then record.escaped = "old" end
--- string.dump
if string.dump then record.escaped = "dump" end
--- string.pack
if string.pack or string.unpack then record.escaped = "pack" end
--- math.randomseed
if math.randomseed then record.escaped = "randomseed" end
--- _G
if _G then record.escaped = "_G" end
--- io by the string's metatable
local m = getmetatable("") if type(m) == "table" then record.escaped = "metatable" end
--- calls load anyway
load("while true do end")()
--- calls require anyway
require("os").execute("true")
--- opens a file anyway
io.open("/etc/passwd")
--- wraps a coroutine anyway
coroutine.wrap(function() while true do end end)()
--- looks for anything that loads
for k, v in pairs(string) do if type(v) == "function" and k:find("load", 1, true) then record.escaped = k end end
--- chunk bytecode
LuaS
--- chunk real bytecode header
#!bytecode
--- sets a global
x = 1
--- sets a global in pcall
pcall(function() leaked = 1 end) if leaked then record.escaped = "global" end
--- replaces a library
string = {}
--- replaces a function of a library
string.match = function() end
--- replaces a function in pcall
pcall(function() string.match = nil end) if not string.match then record.escaped = "library" end
--- writes to math
pcall(function() math.pi = 3 end) if math.pi == 3 then record.escaped = "math" end
--- inserts into a library
pcall(table.insert, string, "x") if string[1] then record.escaped = "insert" end
--- moves into a library
pcall(table.move, {1, 2, 3}, 1, 3, 1, table) if table[1] then record.escaped = "move" end
--- sorts a library
pcall(table.sort, string)
--- removes from a library
pcall(table.remove, string, 1)
--- unlocks a library
pcall(setmetatable, string, nil) pcall(function() string.x = 1 end) if string.x then record.escaped = "unlocked" end
--- takes a library's metatable
if type(getmetatable(string)) == "table" then record.escaped = "library's metatable" end
--- takes the record's metatable
if type(getmetatable(record)) == "table" then record.escaped = "record's metatable" end
--- sets the record's metatable
if pcall(setmetatable, record, {}) then record.escaped = "set" end
--- sets the metatable of texts
if pcall(setmetatable, "", {}) then record.escaped = "set" end
--- changes what texts can do
pcall(function() getmetatable("").__index.match = function() return "owned" end end) if ("a"):match("b") then record.escaped = "match" end
--- changes __index of texts
pcall(function() getmetatable("").__index = nil end) if not pcall(function() return ("a"):len() end) then record.escaped = "__index" end
--- finalizer
setmetatable({}, {__gc = function() while true do end end})
--- finalizer in pcall
if pcall(setmetatable, {}, {__gc = function() while true do end end}) then record.escaped = "gc" end
--- finalizer set later
local m = {} setmetatable({}, m) m.__gc = function() while true do end end for i = 1, 100000 do local t = {i} end
--- finalizer by another metatable
local m = setmetatable({}, {__index = {__gc = function() while true do end end}}) setmetatable({}, m) for i = 1, 100000 do local t = {i} end
--- finalizer that is no function
pcall(setmetatable, {}, {__gc = true})
--- protected metatable of its own
local t = setmetatable({}, {__metatable = "no"}) if pcall(setmetatable, t, {}) then record.escaped = "protected" end
--- address of a table
if tostring({}):find("0x") then record.escaped = tostring({}) end
--- address of a function
if tostring(print or pcall):find("0x") then record.escaped = tostring(pcall) end
--- address of the record
if tostring(record):find("0x") then record.escaped = tostring(record) end
--- address by format p
local ok, s = pcall(string.format, "%p", {}) if ok then record.escaped = s end
--- address by format with flags
for _, f in ipairs({"%-20p", "%20p", "%%%p", "%d%p"}) do local ok, s = pcall(string.format, f, 1, {}) if ok then record.escaped = s end end
--- address by format s
if string.format("%s %s", {}, pcall):find("0x") then record.escaped = "format s" end
--- address in an error
local ok, e = pcall(function() return {} + 1 end) if tostring(e):find("0x") then record.escaped = e end
--- record from another line
local ok = pcall(function() record.line = "x" end) if ok then record.escaped = "line" end
--- chunk keeps the record
local kept return {parse = function(record) if kept and kept ~= record then record.escaped = "kept" end kept = record end}
--- chunk uses emit while loading
emit{body = "x"} return {parse = function() end}
--- chunk drops while loading
drop() return {parse = function() end}
--- chunk runs for ever while loading
while true do end
--- chunk runs for ever in pcall while loading
while true do pcall(function() while true do end end) end
--- chunk eats memory while loading
local t = {} while true do t[#t + 1] = ("x"):rep(100000) .. #t end
--- chunk returns nothing
local x = 1
--- chunk returns a function
return function(record) end
--- chunk returns a table without parse
return {}
--- chunk returns a table whose parse is a table
return {parse = setmetatable({}, {__call = function() while true do end end})}
--- chunk returns a table that computes parse
return setmetatable({}, {__index = function() while true do end end})
--- chunk returns a giant summary
return {summary = ("x"):rep(1000000), parse = function() end}
--- chunk with a summary that is none
return {summary = {}, parse = function() end}
--- chunk raises
error("no")
--- chunk raises a table
error({})
--- chunk raises nil
error(nil)
--- chunk with _ENV
local _ENV = {} return {parse = function() end}
--- chunk with a constant _ENV
local _ENV <const> = 11 x = 1
--- chunk with _ENV as a parameter
return {parse = function(_ENV) x = 1 end}
--- chunk that is no Lua
<?php system("id"); ?>
--- chunk of zero bytes and noise
return {parse = function() end} 
