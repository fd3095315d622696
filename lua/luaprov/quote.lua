--- A text as one word of sh.
--- @param text string
--- @return string
return function(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
