// The npm clients `ollama` and `openai` against a base URL; prints the names of what passed as a JSON list.
import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { Ollama } from 'ollama'

const [url, model, embedModel] = process.argv.slice(2)
const ollama = new Ollama({ host: url })
const openai = new OpenAI({ baseURL: url + '/v1', apiKey: 'none', maxRetries: 0 })
const messages = [{ role: 'user', content: 'hi' }]
const passed = []

async function check(name, body) {
  await body()
  passed.push(name)
}

await check('ollama generate', async () => {
  const answer = await ollama.generate({ model, prompt: 'hi', options: { num_predict: 5 } })
  assert.ok(answer.done && answer.response)
})
await check('ollama chat stream', async () => {
  let last
  for await (const part of await ollama.chat({ model, messages, stream: true, options: { num_predict: 5 } })) last = part
  assert.ok(last.done)
})
await check('ollama preload and unload', async () => {
  assert.equal((await ollama.generate({ model, prompt: '' })).done_reason, 'load')
  assert.equal((await ollama.generate({ model, prompt: '', keep_alive: 0 })).done_reason, 'unload')
})
await check('ollama unknown model', async () => {
  await assert.rejects(ollama.generate({ model: 'nothing-of-that-name', prompt: 'hi' }), /not found/)
})
await check('ollama list', async () => assert.ok((await ollama.list()).models.length))
await check('ollama abort in mid-stream', async () => {
  const stream = await ollama.generate({ model, prompt: 'hi', stream: true, options: { num_predict: 5000 } })
  await assert.rejects(async () => {
    for await (const part of stream) {
      assert.ok(!part.done)
      stream.abort()
    }
  }, { name: 'AbortError' })
})
if (embedModel) {
  await check('ollama embed', async () =>
    assert.equal((await ollama.embed({ model: embedModel, input: ['a', 'b'] })).embeddings.length, 2))
  await check('openai embeddings', async () =>
    assert.ok((await openai.embeddings.create({ model: embedModel, input: 'a' })).data[0].embedding.length))
}
await check('openai chat', async () => {
  const answer = await openai.chat.completions.create({ model, messages, max_tokens: 5 })
  assert.ok(answer.choices[0].message.content)
})
await check('openai chat stream', async () => {
  let finish
  for await (const chunk of await openai.chat.completions.create({ model, messages, max_tokens: 5, stream: true }))
    finish = chunk.choices[0]?.finish_reason ?? finish
  assert.ok(['stop', 'length'].includes(finish))
})
await check('openai unknown model', async () => {
  await assert.rejects(openai.chat.completions.create({ model: 'nothing-of-that-name', messages }), { status: 404 })
})
console.log(JSON.stringify(passed))
