// Requests to the API that this page came from, wherever it is mounted, and the token that it may ask for.

const base = new URL('.', document.baseURI)
let token = null // in memory alone
let signed = null // the region and the address of an API whose requests are signed on the way
let onTokenWanted = () => {}

/** `listen(error)` is called whenever the API asks for a token, also for another one than it has. */
export const whenTokenIsWanted = listen => {
  onTokenWanted = listen
}

export const hasToken = () => token !== null
export const setSigned = api => {
  signed = api
}

/** How code of its own would call the API: where it is, and what it asks for. */
export const access = () =>
  signed
    ? { address: `${signed.address}/predict`, region: signed.region }
    : { address: new URL('predict', base).href, token: hasToken() }
export const setToken = text => {
  token = text.trim() || null
}

/** Whether it is worth to ask again: there was no answer, the API is busy, or it is starting. */
export const passes = status => [0, 429, 502, 503, 504].includes(status)

/** What an API answers that is not an answer: the problem's words, its status and its errors by field. */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super([problem.title ?? problem.message ?? `Status ${status}`, problem.detail].filter(Boolean).join(': '))
    this.status = status
    this.detail = problem.detail ?? this.message
    this.errors = problem.errors ?? []
    this.retryAfter = retryAfter
  }

  get wantsToken() {
    return this.status === 401 || (this.status === 403 && token !== null)
  }
}

/** The field of a JSON pointer such as `/instances/0/petal_width`. */
export const fieldOf = pointer => pointer.split('/').slice(3).join('/').replaceAll('~1', '/').replaceAll('~0', '~')

/** An answer that is JSON, or one that is not `as: 'text'`. */
export async function ask(path, { body, signal, as = 'json' } = {}) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json', 'x-skylift-variant': 'champion' }
  if (token) headers.authorization = `Bearer ${token}`
  let response
  try {
    response = await fetch(new URL(path, base), { method: body === undefined ? 'GET' : 'POST', headers, body, signal })
  } catch (error) {
    if (error.name === 'AbortError') throw error
    throw new Refused(0, { title: 'The service did not answer', detail: error.message })
  }
  const text = await response.text()
  if (response.ok && as === 'text') return { document: text, headers: response.headers }
  let document
  try {
    document = JSON.parse(text)
  } catch {
    document = { title: `Status ${response.status}`, detail: text.slice(0, 200) }
  }
  if (!response.ok) {
    const refused = new Refused(response.status, document, Number(response.headers.get('retry-after')) || null)
    if (refused.wantsToken) onTokenWanted(refused)
    throw refused
  }
  return { document, headers: response.headers }
}

/**
 * Predictions for instances that are JSON texts already: a number keeps every digit, and a member its place. Those that
 * somebody only tries are `unwatched`: made-up rows are no traffic, and would look like drift.
 */
export async function predict(instances, { signal, query = '' } = {}) {
  return (await ask(`predict${query}`, { body: `{"instances": [${instances.join(', ')}]}`, signal })).document
}

/** `/health` has a document whatever its status is. */
export async function health() {
  const response = await fetch(new URL('health', base), token ? { headers: { authorization: `Bearer ${token}` } } : {})
  return { document: await response.json(), headers: response.headers }
}
