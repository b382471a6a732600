--- recursion
local function f() return 1 + f() end f()
--- recursion in pcall
local function f() pcall(f) return f() end f()
--- recursion by pcall only
local function f() return pcall(f) end f()
--- recursion by tostring
local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) tostring(t)
--- recursion by concat
local t t = setmetatable({}, {__concat = function(a, b) return a .. b end}) local x = t .. t
--- recursion by format
local t t = setmetatable({}, {__tostring = function() return string.format("%s", t) end}) string.format("%s", t)
--- recursion by gsub
local function f() return (("x"):gsub("x", f)) end f()
--- recursion by sort
local function f() table.sort({2, 1}, f) return true end f()
--- recursion by __index
local t t = setmetatable({}, {__index = function(_, k) return t[k] end}) local x = t.x
--- recursion by __call
local t t = setmetatable({}, {__call = function() return 1 + t() end}) t()
--- recursion by __close
local function f() local x <close> = setmetatable({}, {__close = f}) end f()
--- recursion by error handlers
local function f() return xpcall(error, f) end f()
--- overflow while handling an overflow
local function f() local ok, e = xpcall(f, function(m) return f() end) return 1 + f() end f()
--- overflow with a __close to run
local function f() local x <close> = setmetatable({}, {__close = function() f() end}) return 1 + f() end pcall(f)
--- overflow in a comparison
local m = {} m.__lt = function(a, b) return a < b end local x = setmetatable({}, m) < setmetatable({}, m)
--- deep tables in arguments
local function f(...) return f({...}, ...) end f(1)
--- stack of varargs
local function f(...) return f(..., ...) end f(1)
--- wide calls
local function f(...) return select("#", ...) end local t = {} for i = 1, 249 do t[i] = i end while true do f(table.unpack(t)) end
--- chunk with deep parentheses
return {parse = function() return @(@ 1 @)@ end}
--- chunk with deep tables
return {parse = function() return @{@ @}@ end}
--- chunk with deep functions
return {parse = function() @function()@ @end@ end}
--- chunk with deep blocks
return {parse = function() @do@ @end@ end}
--- chunk with deep unary operators
return {parse = function() return @- @ 1 end}
--- chunk with deep concats
return {parse = function() return @"a" .. @ "b" end}
--- chunk with many locals
return {parse = function() @local a = 1 @ end}
--- chunk with many constants
return {parse = function(record) local t = { @1.5, @ } end}
--- chunk with many upvalues
@local a = 1 @ return {parse = function() return a end}
--- chunk with a long line
return {parse = function() return "@x@" end}
--- chunk with a long comment
--[==[@x@]==] return {parse = function() end}
--- chunk with gotos
return {parse = function() @do goto a ::a:: end @ end}
--- chunk with broken escapes
return {parse = function() return "\u{FFFFFFFFF}" end}
--- chunk with an open text
return {parse = function() return "
--- chunk with a number too long
return {parse = function(record) record.x = 1e@9@ end}
