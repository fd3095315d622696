--- A number as text, exact: `%.0f` alone would take a 64-bit integer through a float (ids of 17 digits are normal).
--- @param value number
--- @return string
return function(value)
  if math.type and math.type(value) == "integer" then return ("%d"):format(value) end
  return value % 1 == 0 and ("%.0f"):format(value) or tostring(value)
end
