// node's own fetch.
'use strict'

const work = require('./work.js')

work.measure(async (i) => {
  const answer = await fetch(work.URL + '/things', {
    method: 'POST', headers: work.HEADERS, body: JSON.stringify(work.record(i))
  })
  work.check(answer.status, await answer.json())
})
