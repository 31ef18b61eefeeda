// The tab Try: a form, the answer while it changes, why, what would change it, another row beside it, and the code for it.

import { details, inWords, reasons } from './answer.js'
import { fieldOf, passes, predict, Refused } from './api.js'
import { instanceOf } from './contract.js'
import { beside, codePanel, whatChanges } from './panels.js'
import { createForm } from './fields.js'
import { make } from './dom.js'

const MOVING = 90,
  AT_REST = 500 // milliseconds after the last change
const AGAIN = 3 // seconds

/** Fill the tab; returns a function that asks for the answer again. */
export function createTry(panel, info) {
  const { contract } = info,
    { target, features } = contract
  const query = target.sets ? '?unwatched=true&set=true' : '?unwatched=true'
  const said = make('p', { className: 'said' }, '...')
  const spoken = make('p', { className: 'spoken', role: 'status' })
  const version = make('p', { className: 'quiet small' })
  const full = make('div'),
    general = make('div')
  const why = make('section', { className: 'card', hidden: true, 'aria-labelledby': 'why' })
  let request = null,
    timer = 0,
    rest = 0,
    allOpen = false,
    explains = info.explains,
    latest = null

  const form = createForm(features, changed)
  const kept = history.state // of this page before it was loaded again
  if (kept?.contract === info.contract_digest) form.set(kept.values)
  const read = () => ({ values: form.values(), instance: instanceOf(features, form.values()) })
  const put = values => {
    form.set(values)
    changed()
  }
  const code = codePanel()
  const pair = beside(features, target, put)
  const search = whatChanges(info, () => ({ ...read(), prediction: latest }), put)

  panel.append(
    spoken,
    make(
      'div',
      { className: 'columns' },
      form.node,
      make(
        'div',
        { className: 'beside' },
        make('div', { className: 'card headline' }, make('h2', {}, `Predicted ${target.name}`), said),
        make(
          'div',
          { className: 'card' },
          make('h2', { className: 'spoken' }, 'The answer in full'),
          full,
          general,
          version,
          pair.node,
        ),
        why,
        search.node,
        code.node,
      ),
    ),
  )

  function changed() {
    clearTimeout(timer)
    clearTimeout(rest)
    request?.abort()
    search.stale()
    timer = setTimeout(answer, MOVING)
  }

  async function answer() {
    const lacking = form.lacking(),
      { instance, values } = read()
    code.show(instance)
    if (lacking) return unanswered(`${lacking} ${lacking === 1 ? 'field needs' : 'fields need'} a value`)
    request = new AbortController()
    try {
      const document = await predict([instance], { signal: request.signal, query })
      show(document, values)
      rest = setTimeout(() => settled(instance, document, values), AT_REST)
    } catch (error) {
      if (error.name === 'AbortError') return
      if (!(error instanceof Refused)) throw error
      refused(error)
      if (passes(error.status)) timer = setTimeout(answer, 1000 * (error.retryAfter ?? AGAIN))
    }
  }

  function show(document, values) {
    const [prediction] = document.predictions
    const warnings = remarks(
      document.warnings,
      remark => remark.field,
      remark => remark.message,
    )
    latest = prediction
    said.textContent = inWords(prediction, target)
    said.classList.remove('bad')
    full.replaceChildren(
      ...details(prediction, target, {
        open: allOpen,
        toggled: open => {
          allOpen = open
        },
      }),
    )
    version.textContent =
      document.version === info.version
        ? `Answered by ${document.model} ${document.version}.`
        : `Answered by ${document.model} ${document.version}; this page is of ${info.version}: load it again.`
    general.replaceChildren(
      ...(warnings.get(null) ?? '')
        .split('\n')
        .filter(Boolean)
        .map(text => make('p', { className: 'warn' }, text)),
    )
    form.note(warnings)
    pair.show(values, prediction)
    search.ready()
  }

  function refused(error) {
    const errors = remarks(
      error.errors,
      each => fieldOf(each.pointer),
      each => each.message,
    )
    const known = new Set(features.map(feature => feature.name))
    const others = [...errors].filter(([name]) => !known.has(name)).map(([, text]) => text)
    unanswered(error.errors.length ? 'These values are refused' : error.message, others)
    form.note(new Map(), errors)
  }

  function unanswered(words, more = []) {
    latest = null
    said.textContent = words
    said.classList.add('bad')
    full.replaceChildren()
    general.replaceChildren(...more.map(text => make('p', { className: 'bad' }, text)))
    version.textContent = ''
    why.hidden = true
    spoken.textContent = words
    search.stale()
  }

  /** What costs more waits until nobody moves anything: a sentence for who listens, and the reasons. */
  async function settled(instance, document, values) {
    history.replaceState({ contract: info.contract_digest, values }, '')
    const remarked = document.warnings.length
      ? ` ${document.warnings.length === 1 ? 'One remark' : `${document.warnings.length} remarks`}.`
      : ''
    spoken.textContent = `${target.name}: ${said.textContent}.${remarked}`
    if (!explains) return
    try {
      const explained = await predict([instance], { signal: request.signal, query: '?unwatched=true&explain=true' })
      const { explanation } = explained.predictions[0]
      why.hidden = !explanation
      if (explanation)
        why.replaceChildren(make('h2', { id: 'why' }, 'Why this answer'), ...reasons(explanation, target))
    } catch (error) {
      if (error.name === 'AbortError') return
      if (!(error instanceof Refused)) throw error
      if (error.status === 413) explains = false // it takes this version too long
      why.hidden = true
    }
  }

  answer()
  return changed
}

/** Texts by field, of several a line each. */
function remarks(entries, nameOf, textOf) {
  const found = new Map()
  for (const entry of entries) {
    const name = nameOf(entry)
    found.set(name, found.has(name) ? `${found.get(name)}\n${textOf(entry)}` : textOf(entry))
  }
  return found
}
