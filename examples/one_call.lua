-- One call: makes a hub. Wants LUAPROV_HUBSTER_CLIENT_ID and LUAPROV_HUBSTER_CLIENT_SECRET, or LUAPROV_HUBSTER_TOKEN.
local luaprov = require "luaprov"

local hubster = assert(luaprov.client "hubster")
local hub, err = hubster.hubs:create { name = "Support", description = "Front desk" }
if not hub then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
print(hub.id, hub.name)
