--- A text as one word of sh, for commands that people copy: as it is where nothing in it has to be quoted.
local quote = require "luaprov.quote"

--- @param text string
--- @return string
return function(text) return text:find("^[%w_./:@-]+$") and text or quote(text) end
