--- What is done when nobody can reach a value any more, or the Lua state closes: a userdata on 5.1, a table on 5.4.

--- @param fn function
--- @return any value to be held for as long as `fn` shall not be called
return function(fn)
  local proxy = rawget(_G, "newproxy")
  if not proxy then return setmetatable({}, { __gc = fn }) end
  local value = proxy(true)
  getmetatable(value).__gc = fn
  return value
end
