// An answer as people read it: in one line, and in full.

import { bars, decimals, make, percent, shown } from './dom.js'

const MOST_BARS = 10

/** A prediction in a few words, for example `setosa, 97.8%` or `152.1 EUR`. */
export function inWords(prediction, target) {
  if (prediction.label === undefined)
    return prediction.value === null
      ? 'no finite number'
      : [shown(prediction.value), target.unit].filter(Boolean).join(' ')
  if (prediction.label === null) return 'no answer'
  const share = prediction.probabilities?.[String(prediction.label)]
  return share === undefined || share === null ? String(prediction.label) : `${prediction.label}, ${percent(share)}`
}

/** What is not in the words: interval, prediction set and probabilities. */
export function details(prediction, target, { open = false, toggled = () => {} } = {}) {
  const nodes = []
  if (prediction.low !== undefined && prediction.low !== null) {
    nodes.push(
      make(
        'p',
        { className: 'interval' },
        `${shown(prediction.low)} to ${shown(prediction.high)}, where the true value is ${Math.round(100 * prediction.level)}% of the time`,
      ),
    )
  }
  if (prediction.set) {
    nodes.push(
      make(
        'p',
        { className: 'set' },
        `With ${Math.round(100 * target.sets.level)}% confidence one of: ${prediction.set.join(', ')}`,
      ),
    )
  }
  if (target.threshold)
    nodes.push(
      make('p', { className: 'small quiet' }, `The answer is ${target.classes[1]} above ${percent(target.threshold)}.`),
    )
  const likely = Object.entries(prediction.probabilities ?? {})
    .filter(([, share]) => share !== null)
    .sort((a, b) => b[1] - a[1])
  const rows = likely.map(([name, share]) => [name, share, percent(share)])
  if (rows.length) nodes.push(make('h3', {}, 'Probabilities'), bars(rows.slice(0, MOST_BARS)))
  if (rows.length > MOST_BARS) {
    const rest = make(
      'details',
      { className: 'plain', open },
      make('summary', {}, `${rows.length - MOST_BARS} less likely`),
      bars(rows.slice(MOST_BARS)),
    )
    rest.addEventListener('toggle', () => toggled(rest.open))
    nodes.push(rest)
  }
  return nodes
}

/** Why: what each value moves, from the answer of a typical row to this one. */
export function reasons({ output, base, contributions }, target) {
  const moved = Object.entries(contributions).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
  const most = Math.max(...moved.map(([, amount]) => Math.abs(amount)), Number.MIN_VALUE)
  const probability = target.classes?.length
  const alike = decimals(most, 3)
  const write = amount => (probability ? `${signed((100 * amount).toFixed(1))} points` : signed(alike(amount)))
  const total = moved.reduce((sum, [, amount]) => sum + amount, base)
  const rows = moved
    .slice(0, MOST_BARS)
    .map(([name, amount]) => [name, amount / most, write(amount)])
  const rest = moved.slice(MOST_BARS).reduce((sum, [, amount]) => sum + amount, 0)
  const end = probability ? percent(total) : shown(total)
  return [
    make(
      'p',
      { className: 'small quiet' },
      `${probability ? output.replace('probability', 'Probability') : target.name}: ${probability ? percent(base) : shown(base)} for typical rows, ${end} here. Each value moves it by:`,
    ),
    bars(rows, { signed: true }),
    moved.length > MOST_BARS
      ? make('p', { className: 'small quiet' }, `${moved.length - MOST_BARS} others together: ${write(rest)}`)
      : null,
  ].filter(Boolean)
}

/** A number as text with its sign, and none before zero. */
const signed = text => (/^-?[0.]+$/.test(text) ? text.replace('-', '') : text.startsWith('-') ? text : `+${text}`)
