-- Reads the vendors' own examples out of their documentation pages and writes them as fixtures:
--   lua5.4 tests/contract/extract.lua PAGES_DIR [OUT_DIR]
-- Only facts are taken: method, path, headers, JSON, status. Credentials in the pages are placeholders already.
-- As a module it gives extract.run(PAGES_DIR) -> { onebox = text, … }. The format: tests/contract/fixtures/README.md.

local here = debug.getinfo(1, "S").source:match("^@(.-)[^/]*$")
local json = dofile(here .. "json.lua")

local M = {}

local function read(directory, name)
  local file = assert(io.open(directory .. "/" .. name, "rb"))
  local text = file:read("*a")
  file:close()
  -- Account numbers of the shape that scanners for leaked credentials look for, made obviously fake.
  return (text:gsub("(%f[%w][AP][CN])(%x+)%f[%W]", function(kind, digits)
    if #digits == 32 then return kind .. ("0"):rep(32) end
  end))
end

local function decode(text, at, more)
  local value, after = json.decode(text, at, more)
  if value == nil then error("an example is not JSON: " .. after .. "\n" .. text:sub(at or 1, (at or 1) + 300)) end
  return value, after
end

local function trim(text)
  return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

-- The token's placeholder differs from page to page; here it is always {TOKEN}.
local function header_value(value)
  value = trim(value):gsub("`", "")
  return (value:gsub("^Bearer .+$", "Bearer {TOKEN}"))
end

local function copy(value)
  return (decode(json.encode(value)))
end

--- How many top-level fields of the request stand unchanged in the record.
local function resemblance(request, record)
  local count = 0
  for key, value in pairs(request) do
    if record[key] ~= nil and json.encode(record[key]) == json.encode(value) then count = count + 1 end
  end
  return count
end

--- Gives the one success answer of an operation to the example it belongs to; of the others only the status is known.
local function pair_answer(examples, response)
  local best, most = nil, -1
  for _, example in ipairs(examples) do
    local count = resemblance(example.request.json, response.json)
    if count > most then best, most = example, count end
    example.response = { status = response.status, unshown = true }
  end
  best.response = response
  return best
end

-- OneBox: markdown; tables for method, URL and headers, fenced blocks for bodies --------------------------------------

local onebox_errors = {
  ["Expired token"] = "expired token",
  ["Over limit quota"] = "over quota",
  ["Account has not been launced"] = "account not launched",
  ["Account need to be approved by application as a viewer"] = "account not approved",
}

--- Every fenced block as { section =, title =, code =, summary =, json = }.
local function onebox_blocks(text)
  local blocks, section, title, code, summary, body = {}, nil, nil, nil, nil, nil
  for line in text:gmatch("([^\n]*)\n") do
    if body then
      if line:find("^%s*```%s*$") then
        blocks[#blocks + 1] = {
          section = section, title = title, code = code, summary = summary, json = decode(table.concat(body, "\n")),
        }
        body = nil
      else
        body[#body + 1] = line
      end
    elseif line:find("^## ") then section, title, code = line:match("^## (.+)$"), nil, nil
    elseif line:find("^%d+%. %*%*Code") then code = tonumber(line:match("Code (%d+)"))
    elseif line:find("^%d+%. ") then title = line:match("^%d+%. (.+)$")
    elseif line:find("<summary>", 1, true) then summary = line:match("<summary>(.-)</summary>")
    elseif line:find("^%s*```%w") then body = {}
    end
  end
  return blocks
end

local function onebox_page(text, operation, variants)
  local method = text:match("|%s*Method%s*|%s*:%s*|%s*(%u+)%s*|")
  local path = text:match("|%s*URL%s*|%s*:%s*|%s*{host}(%S+)%s*|")
  local headers = {}
  for key, value in text:match("\n## Header\n(.-)\n## "):gmatch("|%s*([%w-]+)%s*|%s*([^|]-)%s*|[^\n]*") do
    if key ~= "Key" and not key:find("^%-+$") then headers[key:lower()] = header_value(value) end
  end
  local exchanges, examples, answers = {}, {}, {}
  for _, block in ipairs(onebox_blocks(text)) do
    if block.section == "Response" then
      answers[#answers + 1] = block
    else
      local channel, direction = (block.title or ""):match("^(%w+)[^(]*%(?(%w*)%)?$")
      local label = channel and trim((channel .. " " .. direction):lower())
      if label and block.json.ProviderId then
        variants[label] = block.json.MediaId .. " " .. block.json.ProviderId
      end
      examples[#examples + 1] = {
        name = operation .. " " .. (label or "example"),
        variant = label and assert(variants[label], label),
        request = { method = method, path = path, headers = copy(headers), json = block.json },
      }
    end
  end
  local success
  for _, answer in ipairs(answers) do
    if answer.summary == "Success" then
      success = pair_answer(examples, { status = answer.code, json = answer.json })
    end
  end
  for _, example in ipairs(examples) do exchanges[#exchanges + 1] = example end
  for _, answer in ipairs(answers) do
    if answer.summary ~= "Success" then
      exchanges[#exchanges + 1] = {
        name = operation .. " error: " .. (onebox_errors[answer.summary] or answer.summary:lower()),
        error = true, variant = success.variant, request = copy(success.request),
        response = { status = answer.code, json = answer.json },
      }
    end
  end
  for _, exchange in ipairs(exchanges) do exchange.resource, exchange.operation = "connections", operation end
  return exchanges
end

local function onebox(directory)
  local variants = {}
  local exchanges = onebox_page(read(directory, "onebox-connection-create.md"), "create", variants)
  local patches = onebox_page(read(directory, "onebox-connection-patch.md"), "update", variants)
  for _, exchange in ipairs(patches) do exchanges[#exchanges + 1] = exchange end
  return exchanges
end

-- Ocamba: text of a rendered page; curl, JavaScript and PHP examples run into each other ------------------------------

local function ocamba(directory)
  local text = read(directory, "ocamba-integration-create.txt"):gsub("%[email%sprotected%]", "user@example.com")
  local exchanges, count = {}, 0
  for method, url, headers, body in text:gmatch('curl %-X (%u+) \\\n"(%S+)" \\\n(.-)%-d \'(.-)\'') do
    local request = { method = method, path = url:match("^https?://[^/]+(/.*)$"), headers = {}, json = decode(body) }
    for key, value in headers:gmatch('%-H "([%w-]+): ([^"]*)"') do
      request.headers[key:lower()] = header_value(value)
    end
    exchanges[#exchanges + 1] = {
      name = "create " .. request.json.name:match("(%w+)$"):lower(),
      variant = request.json.provider_id, request = request,
    }
  end
  for body in text:gmatch("JSON%.stringify%(\n(.-)\n%)") do
    count = count + 1
    assert(json.encode(decode(body)) == json.encode(exchanges[count].request.json), "curl and JavaScript differ")
  end
  assert(count == #exchanges, "curl and JavaScript examples differ in number")
  local answered
  local answers = text:match("curl_exec%(%$ch%);(Responses\n.*)$")
  local after = 1
  while true do
    local start, stop, status = answers:find("\n(%d%d%d) [^\n]+\n", after)
    if not start then break end
    status = tonumber(status)
    local response = {
      status = status,
      headers = { ["content-type"] = text:match("›\n" .. status .. "\n([%w/]+)\n") },
    }
    response.json, after = decode(answers, stop + 1, true)
    after = after - 1
    if status < 300 then
      answered = pair_answer(exchanges, response)
    else
      exchanges[#exchanges + 1] = {
        name = "create error " .. status, error = true, variant = answered.variant,
        request = copy(answered.request), response = response,
      }
    end
  end
  for _, exchange in ipairs(exchanges) do exchange.resource, exchange.operation = "integrations", "create" end
  return exchanges
end

-- Hubster: reStructuredText; one section per operation ----------------------------------------------------------------

--- Sections as { resource =, title =, text = }: resources are underlined with ^, operations with *.
local function hubster_sections(text)
  local sections, resource, previous, current = {}, nil, "", nil
  for line in text:gmatch("([^\n]*)\n") do
    if line:find("^%^%^%^+$") then
      resource, current = previous:lower(), nil
    elseif line:find("^%*%*%*+$") then
      current = { resource = resource, title = previous, lines = {} }
      sections[#sections + 1] = current
    elseif current then
      current.lines[#current.lines + 1] = line
    end
    previous = line
  end
  for _, section in ipairs(sections) do section.text = table.concat(section.lines, "\n") .. "\n" end
  return sections
end

local operations = { Create = "create", Update = "update", Delete = "delete", Get = "get" }
operations["Get Collection"] = "list"

local function code_block(text, marker)
  local at = select(2, text:find(marker, 1))
  local stop = at and (text:find("list-table::", at, true) or #text)
  local block = at and select(2, text:find(".. code-block:: JSON", at, true))
  if block and block < stop then return (decode(text, block + 1, true)) end
end

local function hubster_section(section)
  local text, operation = section.text, assert(operations[section.title], section.title)
  local head, configurations = text, ""
  local at, after = text:find("**Configurations**", 1, true)
  if at then head, configurations = text:sub(1, at - 1), text:sub(after + 1) end
  local method, path = head:match("%*%*(%u+)%*%* %*(/%S-)%*")
  local request = { method = method, path = path, headers = {} }
  local arguments = {}
  for key, value in head:match("%*%*Headers%*%*(.-)\n%*%*"):gmatch("%* %- ([%w-]+)%s*\n%s*%- ([^\n]+)") do
    if key ~= "Header" then request.headers[key:lower()] = header_value(value) end
  end
  local query = head:match("%*%*Request Arguments%*%*(.-)%*%*Response")
  for key in (query or ""):gmatch("%* %- (%l%w+)%s*\n") do arguments[#arguments + 1] = key .. "={" .. key .. "}" end
  if #arguments > 0 then request.path = path .. "?" .. table.concat(arguments, "&") end
  request.json = code_block(head, "%*%*Example Request Body%*%*")

  local name = section.resource .. " " .. operation
  local response = { status = 200, unshown = true }
  local status = head:match("%*%*Response%*%*%s*:%s*(%d+)")
  if status then response = { status = tonumber(status), json = code_block(head, "%*%*Response%*%*") } end
  local variant = request.json and request.json.channelId
  local exchanges = { { name = variant and name .. " " .. variant or name, variant = variant, request = request,
    response = response } }
  for channel, block in configurations:gmatch(":underline:`(%w+)`%s+%.%. code%-block:: JSON(.-)%.%. list%-table") do
    local other = copy(request)
    other.json.channelId, other.json.configuration = channel, decode(block)
    if channel == variant then
      assert(json.encode(other) == json.encode(request), "two examples of one channel differ")
    else
      exchanges[#exchanges + 1] = { name = name .. " " .. channel, variant = channel, request = other,
        response = { status = 200, unshown = true } }
    end
  end
  for code in head:gmatch("%* %- (%d%d%d)\n") do
    if code ~= "200" then
      exchanges[#exchanges + 1] = { name = name .. " error " .. code, error = true, variant = variant,
        request = copy(request), response = { status = tonumber(code), unshown = true } }
    end
  end
  for _, exchange in ipairs(exchanges) do
    exchange.resource, exchange.operation = section.resource, operation
  end
  return exchanges
end

local function hubster(directory)
  local exchanges = {}
  for _, section in ipairs(hubster_sections(read(directory, "hubster-portal.rst"))) do
    for _, exchange in ipairs(hubster_section(section)) do exchanges[#exchanges + 1] = exchange end
  end
  return exchanges
end

-- MyReports: a machine translation into French, quotes, keys and header names included --------------------------------

local french = {
  -- keys and values of JSON
  ["données"] = "data", ["succès"] = "success", ["erreur"] = "error", ["Introuvable"] = "Not Found",
  ["La valeur '<tenant id>' n'est pas valide."] = "The value '<tenant id>' is not valid.",
  ["3CX Connexion"] = "3CX Connection", ["mot de passe mot de passe"] = "password-password",
  ["nom d'utilisateur-nom d'utilisateur-nom d'utilisateur"] = "username-username-username",
  -- headers
  ["Type de contenu"] = "content-type", ["Autorisation"] = "authorization", ["Lieu"] = "location", ["Date"] = "date",
  ["accept-charges"] = "accept-charges",
}
-- What belongs to the connection, not to the exchange.
local transport = { ["Longueur du contenu"] = true, ["Connexion"] = true }

local function myreports_string(text)
  text = trim(text):gsub("\\_", "_"):gsub("^<(%l+://.-)\"?>?$", "%1")
  return french[text] or text
end

--- One line of the translated JSON: « key » : « value », with the slips of the page (the second quote lost with its
--- comma, or the first one turned round).
local function myreports_line(line)
  -- One byte for either quote, so that patterns can have them in classes.
  line = line:gsub("«", "\1"):gsub("»", "\2")
  if not line:find("^\1") then return line end
  local key, value, comma = line:match("^\1 (.-) \2 : (.-)(,?)$")
  local out
  if value:find("^[\1\2]") then
    if not value:find("[\2\"]$") then comma = "," end
    out = json.encode(myreports_string((value:gsub("[\1\2]", ""))))
  elseif value == "{" or value == "true" or value == "false" or tonumber(value) then
    out = value
  else
    error("not understood: " .. line)
  end
  return json.encode(myreports_string(key)) .. ":" .. out .. comma
end

--- Messages as { method =, path = | status =, headers =, json = }, in the page's order.
local function myreports_messages(text)
  local messages, message, body = {}, nil, nil
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    line = line:gsub("\194\160", " ")
    local method, path = line:match("^(%u+) <https?://[^/]+(/.-)> HTTP/1%.1$")
    local status = line:match("^HTTP/1%.1 (%d+)")
    if method or status then
      message = { method = method, path = path, status = tonumber(status), headers = {} }
      messages[#messages + 1] = message
    elseif message and line == "{" then
      body = { line }
    elseif body then
      body[#body + 1] = myreports_line(line)
      if line == "}" then
        message.json, message, body = decode(table.concat(body, "\n")), nil, nil
      end
    elseif line:find(" #$") then
      message = nil
    elseif message then
      local key, value = line:match("^(.-) : (.+)$")
      if key and french[key] then
        value = value:gsub("^Porteur ", "Bearer "):gsub("^<(.-)>$", "%1")
        message.headers[french[key]] = header_value(value)
      elseif key and not transport[key] then
        error("a header that has no translation: " .. key)
      end
    end
  end
  return messages
end

local function myreports(directory)
  local exchanges, waiting = {}, nil
  for _, message in ipairs(myreports_messages(read(directory, "myreports-pbx-create.fr.txt"))) do
    if message.method then
      waiting = { name = "create " .. message.json._type, variant = message.json._type, request = message }
      exchanges[#exchanges + 1] = waiting
    elseif waiting then
      waiting.response, waiting = message, nil
    else
      exchanges[#exchanges + 1] = { name = "create error " .. message.status, error = true,
        variant = exchanges[1].variant, request = copy(exchanges[1].request), response = message }
    end
  end
  for _, exchange in ipairs(exchanges) do exchange.resource, exchange.operation = "pbxs", "create" end
  return exchanges
end

------------------------------------------------------------------------------------------------------------------------

--- The fixtures of all pages: provider name -> text of the JSON file.
---@param directory string the folder of the vendors' pages
function M.run(directory)
  local texts = {}
  for provider, parse in pairs { onebox = onebox, ocamba = ocamba, hubster = hubster, myreports = myreports } do
    local exchanges = json.array(parse(directory))
    for _, exchange in ipairs(exchanges) do
      local response = exchange.response
      exchange.source = "page"
      if response.headers and not next(response.headers) then response.headers = nil end
    end
    texts[provider] = json.pretty { provider = provider, exchanges = exchanges }
  end
  return texts
end

if arg and arg[0] and arg[0]:find("extract%.lua$") then
  local directory, out = arg[1], arg[2] or here .. "fixtures/pages"
  if not directory then
    io.stderr:write("usage: lua5.4 tests/contract/extract.lua PAGES_DIR [OUT_DIR]\n")
    os.exit(64)
  end
  for provider, text in pairs(M.run(directory)) do
    local file = assert(io.open(out .. "/" .. provider .. ".json", "wb"))
    file:write(text)
    file:close()
  end
end

return M
