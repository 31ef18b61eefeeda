// Many rows: which column is which field, rows as instances, and their answers in parts that a request may hold.

import { fieldOf, passes } from './api.js'
import { isNumber } from './contract.js'

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const COMMA = /^[+-]?\d+,\d+$/,
  GROUPS = /^[+-]?[1-9]\d{0,2},\d{3}$/
const MOST_WAITS = 5,
  MOST_WORDS = 5 // of a row
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

/**
 * Whether numbers of a table have decimal commas, where the table of training has none: some cell is nothing else, and
 * no number has a point.
 */
export function hasCommas(columns, rows) {
  const places = [...columns.keys()].filter(place => columns[place] && isPlain(columns[place]))
  const cells = rows.flatMap(row => places.map(place => (row[place] ?? '').trim()))
  const hasPoint = text => text.includes('.') && NUMBER.test(text)
  return cells.some(text => COMMA.test(text) && !GROUPS.test(text)) && !cells.some(hasPoint)
}

const isPlain = feature => isNumber(feature) && !feature.numerals

/**
 * A cell as JSON: a blank one is missing, and what is not written as JSON has it is read by the service, as training
 * reads it.
 */
export function cellJson(feature, text, commas = false) {
  const trimmed = text.trim()
  if (trimmed === '') return 'null'
  if (isPlain(feature)) {
    const number = commas && COMMA.test(trimmed) ? trimmed.replace(',', '.') : trimmed
    if (/^-?(0|[1-9]\d*)$/.test(number)) return number
    if (NUMBER.test(number) && Number.isFinite(Number(number))) return JSON.stringify(Number(number))
  }
  if (!feature.numerals && feature.kind === 'boolean' && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase()
  return JSON.stringify(text)
}

export function rowJson(columns, cells, commas) {
  return `{${columns
    .map((feature, place) => [feature, cells[place]])
    .filter(([feature]) => feature !== null)
    .map(([feature, text]) => `${JSON.stringify(feature.name)}: ${cellJson(feature, text, commas)}`)
    .join(', ')}}`
}

/**
 * `results` of rows in their order: `{ prediction, warnings }`, or `{ problem }` for one that is refused, which holds up
 * no other; and the error that `ended` it before all had one: what was answered until then is kept.
 *
 * `send(instances)` answers a request or throws what `api.js` calls `Refused`; `tell(done)` hears how far it is.
 */
export async function scoreAll(
  instances,
  send,
  { size, tell = () => {}, wait = seconds => new Promise(done => setTimeout(done, 1000 * seconds)) },
) {
  const results = Array.from(instances, () => ({ problem: 'not asked', open: true }))
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
      if (rest === null) return { results, ended: error }
      if (passes(error.status)) waits += 1
      done += places.length - rest.flat().length
      parts.unshift(...rest.filter(part => part.length))
    }
    tell(done)
  }
  return { results, ended: null }
}

/** The parts to send after a request was refused, null to end; the rows that it names have their problem then. */
async function after(error, places, results, pause, waits) {
  if (passes(error.status)) {
    if (waits >= MOST_WAITS) return null
    await pause()
    return [places]
  }
  switch (error.status) {
    case 413:
      if (places.length === 1) return refuse(places, results, error.message)
      return [places.slice(0, places.length >> 1), places.slice(places.length >> 1)]
    case 422: {
      const named = new Map()
      for (const { pointer, message } of error.errors) {
        const place = places[Number(pointer.split('/')[2])]
        if (place === undefined) continue
        const words = [fieldOf(pointer), message].filter(Boolean).join(': ')
        named.set(place, [...(named.get(place) ?? []), words])
      }
      if (!named.size) return refuse(places, results, error.message)
      for (const [place, words] of named) results[place] = { problem: inShort(words) }
      return [places.filter(place => !named.has(place))]
    }
    default:
      if (error.status === undefined && error.name !== 'AbortError') throw error
      return null
  }
}

const inShort = words =>
  words.length > MOST_WORDS
    ? `${words.slice(0, MOST_WORDS).join('; ')}; and ${words.length - MOST_WORDS} more`
    : words.join('; ')

function refuse(places, results, problem) {
  for (const place of places) results[place] = { problem }
  return []
}

/**
 * The table with its answers, for a file, as `skylift batch` names them: `prediction`, its interval,
 * `probability_{class}`; and why there is none. They replace those that a table has which was answered before.
 */
export function answered(header, rows, results, target, columns) {
  const classes = (target.classes ?? []).map(String)
  const extra = classes.length
    ? ['prediction', ...classes.map(name => `probability_${name}`)]
    : ['prediction', ...(target.margins ? ['prediction_low', 'prediction_high'] : [])]
  const kept = [...header.keys()].filter(place => columns[place] || ![...extra, 'problem'].includes(header[place]))
  const cells = ({ prediction }) =>
    !prediction
      ? extra.map(() => null)
      : classes.length
        ? [prediction.label, ...classes.map(name => prediction.probabilities?.[name])]
        : [prediction.value, ...(target.margins ? [prediction.low, prediction.high] : [])]
  return [
    [...kept.map(place => header[place]), ...extra, 'problem'],
    ...rows.map((row, place) => [
      ...kept.map(column => row[column] ?? ''),
      ...cells(results[place]),
      results[place].problem ?? null,
    ]),
  ]
}
