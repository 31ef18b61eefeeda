// What stands beside an answer: another row to compare with, what would change it, and the code of the request.

import { access, predict, Refused } from './api.js'
import { make, shown, table } from './dom.js'
import { codeIn, languages } from './copies.js'
import { inWords } from './answer.js'
import { instanceOf } from './contract.js'
import { smallestChanges, triedInPart } from './search.js'

const MOST_CHANGES = 8
const text = value => value ?? '(missing)'

/** Two rows side by side: one that is kept, and the one of the form. */
export function beside(features, target, put) {
  const keep = make('button', { type: 'button' }, 'Keep this row to compare')
  const area = make('div')
  const node = make('div', {}, make('div', { className: 'row' }, keep), area)
  let kept = null,
    now = null
  keep.addEventListener('click', () => {
    kept = now
    draw()
  })

  function draw() {
    keep.disabled = now === null
    area.replaceChildren()
    if (!kept || !now) return
    const differing = features.filter(feature => kept.values.get(feature.name) !== now.values.get(feature.name))
    const rows = [
      [
        make('strong', {}, target.name),
        make('strong', {}, inWords(kept.prediction, target)),
        make('strong', {}, inWords(now.prediction, target)),
      ],
      ...differing.map(feature => [
        feature.name,
        text(kept.values.get(feature.name)),
        text(now.values.get(feature.name)),
      ]),
    ]
    const back = make('button', { type: 'button' }, 'Back to the kept row'),
      forget = make('button', { type: 'button' }, 'Forget it')
    back.addEventListener('click', () => put(kept.values))
    forget.addEventListener('click', () => {
      kept = null
      draw()
      keep.focus()
    })
    area.append(
      make('h3', {}, 'Two rows side by side'),
      table('Two rows side by side', ['Field', 'Kept', 'Now'], rows),
      make(
        'p',
        { className: 'quiet small' },
        differing.length
          ? `The other ${features.length - differing.length} fields are the same.`
          : 'All fields are the same.',
      ),
      make('div', { className: 'row' }, back, forget),
    )
  }

  draw()
  return {
    node,
    show(values, prediction) {
      now = { values, prediction }
      draw()
    },
  }
}

/** The search for the smallest change that leads to another answer, started by a button: it asks for many rows. */
export function whatChanges(info, read, put) {
  const { features, target } = info.contract
  const title = make('h2', { id: 'changes', tabIndex: -1 }, 'What would change the answer')
  const begin = make('button', { type: 'button' }, 'Search'),
    state = make('p', { className: 'quiet small', role: 'status' }),
    area = make('div')
  const node = make(
    'section',
    { className: 'card', 'aria-labelledby': 'changes' },
    title,
    make('p', { className: 'small quiet' }, `The smallest change of one field that leads to ${aim(info)}.`),
    begin,
    state,
    area,
  )
  let running = null

  async function ask(rows) {
    const answers = [],
      size = Math.min(info.max_instances, 500)
    for (let start = 0; start < rows.length; start += size) {
      const part = rows.slice(start, start + size).map(values => instanceOf(features, values))
      answers.push(...(await predict(part, { signal: running.signal, query: '?unwatched=true' })).predictions)
    }
    return answers
  }

  begin.addEventListener('click', async () => {
    const { values, prediction } = read()
    if (!prediction) return
    running?.abort()
    running = new AbortController()
    state.textContent = 'Searching...'
    area.replaceChildren()
    try {
      const found = await smallestChanges(features, values, ask, changes(prediction, info))
      draw(found, values)
    } catch (error) {
      if (error.name === 'AbortError') return
      if (!(error instanceof Refused)) throw error
      state.textContent = error.message
    }
  })

  function draw(found, values) {
    const texts = features.filter(feature => feature.kind === 'text').length,
      part = triedInPart(features).map(feature => feature.name)
    state.textContent = [
      found.length ? `${found.length} of ${features.length} fields can do it alone.` : 'No field can do it alone.',
      texts ? 'Texts were left as they are.' : '',
      part.length ? `Of ${part.join(', ')} the most usual values were tried.` : '',
    ]
      .filter(Boolean)
      .join(' ')
    area.replaceChildren(
      make(
        'ol',
        {},
        ...found.slice(0, MOST_CHANGES).map(({ feature, text: to, prediction }) => {
          const use = make('button', { type: 'button', 'aria-label': `Try it: ${feature.name} ${text(to)}` }, 'Try it')
          use.addEventListener('click', () => {
            put(new Map(values).set(feature.name, to))
            title.focus() // the button is gone
          })
          return make(
            'li',
            {},
            make(
              'div',
              { className: 'change' },
              make(
                'span',
                {},
                `${feature.name} from ${text(values.get(feature.name))} to ${text(to)}: ${inWords(prediction, target)}`,
              ),
              use,
            ),
          )
        }),
      ),
    )
  }

  return {
    node,
    /** There is no answer now, or another one than it was. */
    stale() {
      running?.abort()
      begin.disabled = true
      state.textContent = ''
      area.replaceChildren()
    },
    ready() {
      begin.disabled = false
    },
  }
}

const usualError = info => info.metrics.holdout.rmse ?? info.metrics.holdout.mae ?? 0

function aim({ contract, metrics }) {
  if (contract.task === 'classification') return 'another answer'
  if (contract.target.margins) return 'a value outside the interval of this one'
  const error = usualError({ metrics })
  return error ? `a value that differs by more than the usual error, ${shown(error)}` : 'another value'
}

function changes(prediction, info) {
  if (prediction.label !== undefined) return other => other.label !== prediction.label
  const { low = null, high = null } = prediction
  if (low !== null) return other => other.value !== null && (other.value < low || other.value > high)
  return other => other.value !== null && Math.abs(other.value - prediction.value) > usualError(info)
}

/** The request as code to copy. */
export function codePanel() {
  const pick = make(
    'select',
    { id: 'language' },
    ...languages.map(name => make('option', { value: name, textContent: name })),
  )
  const code = make('pre', { tabIndex: 0, id: 'code', role: 'region', 'aria-label': 'Code of this request' })
  const copy = make('button', { type: 'button' }, 'Copy'),
    state = make('span', { className: 'quiet small', role: 'status' })
  const node = make(
    'section',
    { className: 'card', 'aria-labelledby': 'in-code' },
    make('h2', { id: 'in-code' }, 'The same in code'),
    make('label', { htmlFor: 'language', className: 'spoken' }, 'Language'),
    make('div', { className: 'row' }, make('span', {}, pick), copy, state),
    code,
  )
  let instance = '{}'

  const draw = () => {
    code.textContent = codeIn(pick.value, { ...access(), instance })
    state.textContent = ''
  }
  pick.addEventListener('change', draw)
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent)
      state.textContent = 'Copied'
    } catch {
      // no clipboard without HTTPS
      getSelection().selectAllChildren(code)
      state.textContent = 'Selected: copy it by keyboard'
    }
  })
  return {
    node,
    show(json) {
      instance = json
      draw()
    },
  }
}
