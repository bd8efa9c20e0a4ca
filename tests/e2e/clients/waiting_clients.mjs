// The npm clients `ollama`, `openai` and `@anthropic-ai/sdk` while their model loads and the server sends signs of life;
// prints the text that each streamed, as one JSON object.
import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { Ollama } from 'ollama'

const [url, model] = process.argv.slice(2)
const ollama = new Ollama({ host: url })
const openai = new OpenAI({ baseURL: url + '/v1', apiKey: 'none', maxRetries: 0 })
const anthropic = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 })
const messages = [{ role: 'user', content: 'hi' }]
const texts = {}

async function collect(name, start, textOf) {
  const unloaded = await fetch(url + '/plimsoll/v1/models/unload', { method: 'POST', body: JSON.stringify({ model }) })
  assert.ok(unloaded.ok, await unloaded.text())
  texts[name] = ''
  for await (const part of await start()) texts[name] += textOf(part) ?? ''
}

// ollama-js warns of lines that it cannot read, and goes on.
const warnings = []
console.warn = (...words) => warnings.push(words.join(' '))

await collect('ollama generate', () => ollama.generate({ model, prompt: 'hi', stream: true, options: { num_predict: 12 } }),
  part => part.response)
await collect('ollama chat', () => ollama.chat({ model, messages, stream: true, options: { num_predict: 12 } }),
  part => part.message.content)
await collect('openai chat', () => openai.chat.completions.create({ model, messages, max_tokens: 12, stream: true }),
  chunk => chunk.choices[0]?.delta.content)
await collect('openai completions', () => openai.completions.create({ model, prompt: 'hi', max_tokens: 12, stream: true }),
  chunk => chunk.choices[0]?.text)
await collect('openai responses', () => openai.responses.create({ model, input: 'hi', max_output_tokens: 12, stream: true }),
  event => (event.type === 'response.output_text.delta' ? event.delta : ''))
await collect('anthropic messages', () => anthropic.messages.create({ model, messages, max_tokens: 12, stream: true }),
  event => event.delta?.text)
assert.deepEqual(warnings, [])
console.log(JSON.stringify(texts))
