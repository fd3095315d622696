--- What all workers of nginx see: `lua_shared_dict luaprov 1m;`.
local ngx = rawget(_G, "ngx")
local M = {}

local store
-- Once a worker, as errors: nginx logs no warnings unless it is told to.
local told_of_room, told_of_none = false, false

--- See luaprov.runtime.host.
function M.store()
  local dict = ngx.shared.luaprov
  if not dict and not told_of_none and ngx.worker.count() > 1 then
    told_of_none = true
    ngx.log(ngx.ERR, "luaprov: there is no shared dictionary, so ", ngx.worker.count(), " workers keep limits and "
      .. "tokens each alone: write `lua_shared_dict luaprov 1m;` into nginx's http block")
  end
  if store or not dict then return store end
  store = { name = ngx.md5 }
  -- nginx tells the time once a turn, which may be long ago.
  function store.add(key, text, seconds)
    ngx.update_time()
    local ok, why = dict:safe_add(key, text, seconds)
    if why == "no memory" and not told_of_room then
      told_of_room = true
      ngx.log(ngx.ERR, "luaprov: the shared dictionary luaprov is full, so each worker keeps limits alone: give it "
        .. "more room, as in `lua_shared_dict luaprov 10m;`")
    end
    return ok or why == "no memory"
  end
  function store.set(key, text, seconds)
    ngx.update_time()
    return dict:set(key, text, seconds or 0)
  end
  function store.get(key) return (dict:get(key)) end
  function store.delete(key) dict:delete(key) end
  function store.left(key) return (dict:ttl(key)) end
  return store
end

return M
