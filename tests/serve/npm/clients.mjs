// Asks persona with the clients that programs in JavaScript use, and prints what they understood as JSON.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { URL_OF_PERSONA: url, TOKEN_OF_PERSONA: token, MODULES: modules } = process.env;
const require = createRequire(pathToFileURL(`${modules}/package.json`));
const load = (name) => import(pathToFileURL(require.resolve(name)));

const question = [{ role: "user", content: "Hello?" }];
const weather = [{ role: "user", content: "Weather?" }];
const parameters = { type: "object", properties: { city: { type: "string" } } };
const look = { type: "function", function: { name: "look", description: "", parameters } };

async function openai() {
  const { default: OpenAI } = await load("openai");
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  const whole = await client.chat.completions.create({ model: "persona", messages: question });
  const stream = client.chat.completions.stream({ model: "persona", messages: weather, tools: [look] });
  const call = (await stream.finalChatCompletion()).choices[0];
  const response = await client.responses.stream({ model: "persona", input: "Hello?" }).finalResponse();
  const refused = await client.chat.completions
    .create({ model: "persona", messages: question, n: 2 })
    .catch((error) => [error.constructor.name, error.status, error.param]);
  return {
    models,
    said: whole.choices[0].message.content,
    finish: call.finish_reason,
    calls: call.message.tool_calls.map((made) => [made.function.name, JSON.parse(made.function.arguments)]),
    response: response.output_text,
    refused,
  };
}

async function anthropic() {
  const { default: Anthropic } = await load("@anthropic-ai/sdk");
  const client = new Anthropic({ baseURL: url, authToken: token, apiKey: null, maxRetries: 0 });
  const asked = { model: "persona", max_tokens: 50 };
  const whole = await client.messages.create({ ...asked, messages: question });
  const tools = [{ name: "look", input_schema: parameters }];
  const streamed = await client.messages.stream({ ...asked, messages: weather, tools }).finalMessage();
  const counted = await client.messages.countTokens({ model: "persona", messages: question });
  return {
    said: whole.content[0].text,
    stop: streamed.stop_reason,
    calls: streamed.content.filter((part) => part.type === "tool_use").map((part) => [part.name, part.input]),
    tokens: counted.input_tokens,
  };
}

async function aiSdk() {
  const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");
  const { streamText, tool, jsonSchema } = await load("ai");
  const persona = createOpenAICompatible({ name: "persona", baseURL: `${url}/v1`, apiKey: token });
  const whole = streamText({ model: persona("persona"), messages: question });
  const said = await whole.text;
  const tools = { look: tool({ description: "", inputSchema: jsonSchema(parameters) }) };
  const called = streamText({ model: persona("persona"), messages: weather, tools });
  const calls = (await called.toolCalls).map((made) => [made.toolName, made.input]);
  return { said, calls, finish: await called.finishReason };
}

console.log(JSON.stringify({ openai: await openai(), anthropic: await anthropic(), ai: await aiSdk() }));
