// Many rows: which column is which field, rows as instances, and their answers in parts that a request may hold.

import { isNumber } from './contract.js'

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const MOST_WAITS = 5
const plain = name => name.trim().toLowerCase()

/** The field of each column, or null; and the fields without a column, and the columns that no field has. */
export function columnsOf(header, features) {
  const known = new Map(
    features.flatMap(feature => [feature.column ?? feature.name, feature.name].map(name => [plain(name), feature])),
  )
  const taken = new Set()
  const columns = header.map(name => {
    const feature = known.get(plain(name)) ?? null
    if (feature === null || taken.has(feature)) return null
    taken.add(feature)
    return feature
  })
  return {
    columns,
    unused: header.filter((_, place) => columns[place] === null),
    absent: features.filter(feature => !taken.has(feature)),
  }
}

/** A cell as JSON: a blank one is missing, and what is not written as JSON has it is read by the service, as training reads it. */
export function cellJson(feature, text) {
  const trimmed = text.trim()
  if (trimmed === '') return 'null'
  if (!feature.numerals && isNumber(feature) && NUMBER.test(trimmed)) {
    return /^-?(0|[1-9]\d*)$/.test(trimmed) ? trimmed : JSON.stringify(Number(trimmed))
  }
  if (!feature.numerals && feature.kind === 'boolean' && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase()
  return JSON.stringify(text)
}

export function rowJson(columns, cells) {
  return `{${columns
    .map((feature, place) => [feature, cells[place]])
    .filter(([feature]) => feature !== null)
    .map(([feature, text]) => `${JSON.stringify(feature.name)}: ${cellJson(feature, text)}`)
    .join(', ')}}`
}

/**
 * Answers of rows in their order: `{ prediction, warnings }`, or `{ problem }` for one that is refused, which holds up
 * no other.
 *
 * `send(instances)` answers a request or throws what `api.js` calls `Refused`; `tell(done)` hears how far it is.
 */
export async function scoreAll(
  instances,
  send,
  { size, tell = () => {}, wait = seconds => new Promise(done => setTimeout(done, 1000 * seconds)) },
) {
  const results = new Array(instances.length)
  const parts = []
  for (let start = 0; start < instances.length; start += size) {
    parts.push(Array.from({ length: Math.min(size, instances.length - start) }, (_, place) => start + place))
  }
  let done = 0,
    waits = 0
  while (parts.length) {
    const places = parts.shift()
    try {
      const { predictions, warnings } = await send(places.map(place => instances[place]))
      places.forEach((place, number) => {
        results[place] = {
          prediction: predictions[number],
          warnings: warnings.filter(warning => warning.instance === number),
        }
      })
      done += places.length
      waits = 0
    } catch (error) {
      const rest = await after(error, places, results, () => wait(error.retryAfter ?? 2), waits)
      if (error.status === 429 || error.status === 503) waits += 1
      done += places.length - rest.flat().length
      parts.unshift(...rest.filter(part => part.length))
    }
    tell(done)
  }
  return results
}

/** The parts that are still to be sent after a request was refused; the rows that it names have their problem then. */
async function after(error, places, results, pause, waits) {
  switch (error.status) {
    case 429:
    case 503:
      if (waits >= MOST_WAITS) throw error
      await pause()
      return [places]
    case 413:
      if (places.length === 1) return refuse(places, results, error.message)
      return [places.slice(0, places.length >> 1), places.slice(places.length >> 1)]
    case 422: {
      const named = new Map()
      for (const { pointer, message } of error.errors) {
        const [, , number, ...field] = pointer.split('/')
        const place = places[Number(number)]
        if (place === undefined) continue
        const words = field.length ? `${field.join('/')}: ${message}` : message
        named.set(place, named.has(place) ? `${named.get(place)}; ${words}` : words)
      }
      if (!named.size) return refuse(places, results, error.message)
      for (const [place, problem] of named) results[place] = { problem }
      return [places.filter(place => !named.has(place))]
    }
    default:
      throw error
  }
}

function refuse(places, results, problem) {
  for (const place of places) results[place] = { problem }
  return []
}

/** The table with its answers, for a file: `prediction`, its interval, `probability_{class}`, and why there is none. */
export function answered(header, rows, results, target) {
  const classes = (target.classes ?? []).map(String)
  const extra = classes.length
    ? ['prediction', ...classes.map(name => `probability_${name}`)]
    : ['prediction', ...(target.margins ? ['low', 'high'] : [])]
  const cells = ({ prediction }) =>
    !prediction
      ? extra.map(() => null)
      : classes.length
        ? [prediction.label, ...classes.map(name => prediction.probabilities?.[name])]
        : [prediction.value, ...(target.margins ? [prediction.low, prediction.high] : [])]
  return [
    [...header, ...extra, 'problem'],
    ...rows.map((row, place) => [
      ...header.map((_, column) => row[column] ?? ''),
      ...cells(results[place]),
      results[place].problem ?? null,
    ]),
  ]
}
