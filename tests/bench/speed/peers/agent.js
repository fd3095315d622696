// node's http.request with an http.Agent that keeps its connections.
'use strict'

const http = require('http')
const work = require('./work.js')

const agent = new http.Agent({ keepAlive: true, maxSockets: work.AT_ONCE })

work.measure((i) => new Promise((resolve, reject) => {
  const body = JSON.stringify(work.record(i))
  const headers = { ...work.HEADERS, 'Content-Length': Buffer.byteLength(body) }
  const request = http.request(work.URL + '/things', { method: 'POST', agent, headers }, (answer) => {
    const parts = []
    answer.on('data', (part) => parts.push(part))
    answer.on('end', () => {
      work.check(answer.statusCode, JSON.parse(Buffer.concat(parts)))
      resolve()
    })
  })
  request.on('error', reject)
  request.end(body)
}))
