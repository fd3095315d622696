--- SHA-256 (FIPS 180-4) in Lua: 5.4 by its own operators, LuaJIT by `bit`. For salted hashes of secrets and for digests
--- of manifests and records; a block (64 bytes) costs some microseconds.
---
---   sha256(text) -> 64 hexadecimal digits

local K = {}

-- The fractional parts of the cube roots of the first 64 primes, and of the square roots of the first eight. A double
-- has 53 bits: enough for 32 after the point of numbers below eight.
local H = {}
do
  local n = 2
  while #K < 64 do
    local prime = true
    for i = 2, math.floor(math.sqrt(n)) do prime = prime and n % i ~= 0 end
    if prime then
      local root = n ^ (1 / 3)
      -- One step of Newton: the power function may be off by its last bit.
      root = root - (root * root * root - n) / (3 * root * root)
      K[#K + 1] = math.floor(root % 1 * 2 ^ 32)
      if #H < 8 then H[#H + 1] = math.floor(math.sqrt(n) % 1 * 2 ^ 32) end
    end
    n = n + 1
  end
end

local function padded(text)
  local bits = #text * 8
  local length = {}
  for i = 8, 1, -1 do
    length[i] = string.char(bits % 256)
    bits = math.floor(bits / 256)
  end
  return text .. "\128" .. ("\0"):rep((55 - #text) % 64) .. table.concat(length)
end

-- As a text, because 5.1 cannot read it, and unrolled into locals: that is half of the time. A word beside itself in 64
-- bits is turned by a shift; what stands above 32 bits falls away at the end of each sum.
local function for_five_four()
  local out, words = {}, {}
  local function add(text, values) out[#out + 1] = (text:gsub("%$(%w+)", values)) end
  for i = 1, 16 do words[i] = "w" .. i end
  for i = 17, 64 do
    add([[
      x, y = $far | $far << 32, $near | $near << 32
      local $new = $a + $b + (x >> 7 ~ x >> 18 ~ $far >> 3) + (y >> 17 ~ y >> 19 ~ $near >> 10) & 0xffffffff]],
      { new = "w" .. i, far = "w" .. i - 15, near = "w" .. i - 2, a = "w" .. i - 16, b = "w" .. i - 7 })
  end
  local names = { "a", "b", "c", "d", "e", "f", "g", "h" }
  for i = 1, 64 do
    local turned = { w = "w" .. i, K = ("%d"):format(K[i]) }
    for j, name in ipairs(names) do turned[name] = names[(j - i) % 8 + 1] end
    add([[
      x, y = $e | $e << 32, $a | $a << 32
      $h = $h + (x >> 6 ~ x >> 11 ~ x >> 25) + ($g ~ $e & ($f ~ $g)) + $K + $w
      $d = $d + $h & 0xffffffff
      $h = $h + (y >> 2 ~ y >> 13 ~ y >> 22) + ($a & $b ~ $c & ($a ~ $b)) & 0xffffffff]], turned)
  end
  return ([[
    local H, padded = ...
    local unpack, format, WORDS = string.unpack, string.format, ">" .. ("I4"):rep(16)
    return function(text)
      text = padded(text)
      local h1, h2, h3, h4, h5, h6, h7, h8 = H[1], H[2], H[3], H[4], H[5], H[6], H[7], H[8]
      for at = 1, #text, 64 do
        local $words = unpack(WORDS, text, at)
        local a, b, c, d, e, f, g, h, x, y = h1, h2, h3, h4, h5, h6, h7, h8
        $rounds
        h1, h2, h3, h4 = h1 + a & 0xffffffff, h2 + b & 0xffffffff, h3 + c & 0xffffffff, h4 + d & 0xffffffff
        h5, h6, h7, h8 = h5 + e & 0xffffffff, h6 + f & 0xffffffff, h7 + g & 0xffffffff, h8 + h & 0xffffffff
      end
      return format("%08x%08x%08x%08x%08x%08x%08x%08x", h1, h2, h3, h4, h5, h6, h7, h8)
    end]]):gsub("%$(%w+)", { words = table.concat(words, ", "), rounds = table.concat(out, "\n") })
end

local function for_luajit(bit)
  local band, bxor, ror, rshift, tobit, tohex = bit.band, bit.bxor, bit.ror, bit.rshift, bit.tobit, bit.tohex
  local w = {}
  return function(text)
    text = padded(text)
    local s = {}
    for i = 1, 8 do s[i] = tobit(H[i]) end
    for at = 1, #text, 64 do
      for i = 1, 16 do
        local p, q, r, t = text:byte(at + i * 4 - 4, at + i * 4 - 1)
        w[i] = tobit(p * 16777216 + q * 65536 + r * 256 + t)
      end
      for i = 17, 64 do
        local x, y = w[i - 15], w[i - 2]
        w[i] = tobit(w[i - 16] + w[i - 7] + bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
          + bxor(ror(y, 17), ror(y, 19), rshift(y, 10)))
      end
      local a, b, c, d, e, f, g, h = s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8]
      for i = 1, 64 do
        local t = h + bxor(ror(e, 6), ror(e, 11), ror(e, 25)) + bxor(g, band(e, bxor(f, g))) + K[i] + w[i]
        h, g, f, e = g, f, e, tobit(d + t)
        d, c, b, a = c, b, a, tobit(t + bxor(ror(a, 2), ror(a, 13), ror(a, 22)) + bxor(band(a, b), band(c, bxor(a, b))))
      end
      s[1], s[2], s[3], s[4] = tobit(s[1] + a), tobit(s[2] + b), tobit(s[3] + c), tobit(s[4] + d)
      s[5], s[6], s[7], s[8] = tobit(s[5] + e), tobit(s[6] + f), tobit(s[7] + g), tobit(s[8] + h)
    end
    for i = 1, 8 do s[i] = tohex(s[i]) end
    return table.concat(s)
  end
end

if math.type then return assert(load(for_five_four(), "=sha256"))(H, padded) end
return for_luajit(require "bit")
