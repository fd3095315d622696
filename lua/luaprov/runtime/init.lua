--- How a call waits: the runtime that fits where we are.
return require "luaprov.runtime.standalone"
