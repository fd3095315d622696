--- How a call waits. The rest of luaprov knows a runtime only by this name.
return require "luaprov.runtime.standalone"
