// The unit of work, and how a node client measures itself: see ../work.lua.
'use strict'

const [url, calls, atOnce] = process.argv.slice(2)

exports.URL = url
exports.AT_ONCE = Number(atOnce)
exports.HEADERS = {
  Accept: 'application/json', Authorization: 'Bearer bench-token-0123456789abcdef0123456789abcdef',
  'Content-Type': 'application/json'
}

exports.record = (i) => ({
  name: 'Support line ' + i,
  description: 'The front desk of a customer in the north, open from eight to six on every working day',
  channel: 'sms', callback_url: 'https://hooks.customer.example/luaprov/inbound/messages', language: 'en',
  priority: 5, enabled: true, external_id: 'customer-000042/line-0007'
})

exports.check = (status, answer) => {
  if (status !== 201 || answer.id !== '7f3c1a90') throw new Error('not what was wanted: ' + status)
}

async function run (create, count) {
  let left = count
  const worker = async () => { while (left > 0) await create(--left) }
  await Promise.all(Array.from({ length: exports.AT_ONCE }, worker))
}

const cpu = () => {
  const usage = process.resourceUsage()
  return (usage.userCPUTime + usage.systemCPUTime) / 1e6
}

exports.measure = async (create) => {
  const count = Number(calls)
  await run(create, Math.max(exports.AT_ONCE, Math.ceil(count / 10)))
  const began = cpu()
  const clock = performance.now()
  await run(create, count)
  console.log(`${count} ${(cpu() - began).toFixed(6)} ${((performance.now() - clock) / 1000).toFixed(6)}`)
  process.exit(0)
}
