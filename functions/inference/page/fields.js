// The form: a control for each feature, in groups where there are many, with a place for what is said of its value.

import {
  controlOf,
  hasClock,
  hasOffset,
  hasRange,
  inTable,
  isNumber,
  lack,
  levels,
  rangeOf,
  sliderOf,
  startOf,
  written,
} from './contract.js'
import { grouped, make } from './dom.js'

const GROUP = 24

/** A form of features. `changed()` is called after each change; values are texts, or null for missing ones. */
export function createForm(features, changed) {
  const fields = new Map(features.map((feature, place) => [feature.name, createField(feature, place, changed)]))
  const groups = groupsOf([...fields.values()])
  const node = make('form', { className: 'card', noValidate: true, autocomplete: 'off' }, make('h2', {}, 'Values'))
  if (features.length > GROUP) node.append(...search(groups))
  node.append(...groups.map(group => group.node))
  node.addEventListener('submit', event => event.preventDefault())
  const mark = () => groups.forEach(group => group.mark?.())
  return {
    node,
    values: () => new Map([...fields].map(([name, field]) => [name, field.value()])),
    set(values) {
      for (const [name, value] of values) fields.get(name).set(value)
    },
    /** The number of fields that need a value, which is said there. */
    lacking() {
      const lacking = [...fields.values()].filter(field => field.checkLack()).length
      mark()
      return lacking
    },
    /** Show what is said of fields: a map of names to texts. */
    note(warnings, errors = new Map()) {
      for (const [name, field] of fields) field.note(warnings.get(name), errors.get(name))
      mark()
    },
  }
}

function groupsOf(fields) {
  if (fields.length <= GROUP)
    return [{ node: make('div', { className: 'fields' }, ...fields.map(field => field.node)), fields }]
  const groups = []
  for (let start = 0; start < fields.length; start += GROUP) {
    const part = fields.slice(start, start + GROUP)
    const title = make('span', {}, `${start + 1} to ${start + part.length}: ${part[0].name} to ${part.at(-1).name}`)
    const mark = make('strong', { className: 'warn' })
    const node = make(
      'details',
      { className: 'group', open: start === 0 },
      make('summary', {}, title, mark),
      make('div', { className: 'fields' }, ...part.map(field => field.node)),
    )
    groups.push({
      node,
      fields: part,
      mark() {
        const noted = part.filter(field => field.noted()).length
        mark.textContent = noted ? ` (${noted} with remarks)` : ''
      },
    })
  }
  return groups
}

function search(groups) {
  const input = make('input', { id: 'find', type: 'search', placeholder: 'Part of a name or description' })
  const found = make('p', { className: 'quiet small', role: 'status' })
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase()
    let count = 0
    groups.forEach((group, place) => {
      const matching = group.fields.filter(field => {
        field.node.hidden = !field.words.includes(wanted)
        return !field.node.hidden
      })
      group.node.hidden = matching.length === 0
      group.node.open = wanted ? matching.length > 0 : place === 0
      count += matching.length
    })
    found.textContent = wanted ? `${count} of ${groups.flatMap(group => group.fields).length} fields` : ''
  })
  return [make('label', { htmlFor: 'find' }, 'Find a field'), input, found]
}

function createField(feature, place, changed) {
  const id = `field-${place}`,
    parts = controls(feature, id),
    start = startOf(feature)
  const note = make('p', { id: `${id}-note`, className: 'note', hidden: true })
  const hint = make('p', { id: `${id}-hint`, className: 'quiet small' }, hintOf(feature))
  const missing =
    !feature.required && parts.box.tagName !== 'SELECT'
      ? make('input', { type: 'checkbox', 'aria-label': `missing: ${feature.name}` })
      : null
  parts.box.setAttribute('aria-describedby', `${id}-hint ${id}-note`)
  const node = make(
    'div',
    { className: 'field' },
    make('label', { htmlFor: id }, feature.name),
    hint,
    make('div', { className: 'control' }, ...parts.nodes),
    missing && make('label', { className: 'missing' }, missing, 'missing'),
    note,
  )
  const enable = () => {
    for (const control of parts.inputs) control.disabled = missing?.checked ?? false
  }
  const read = () => {
    if (missing?.checked) return null
    if (parts.box.tagName === 'SELECT' && parts.box.selectedOptions[0]?.dataset.missing) return null
    return parts.box.value
  }
  const set = value => {
    if (missing) missing.checked = value === null
    if (parts.box.tagName === 'SELECT')
      parts.box.selectedIndex = [...parts.box.options].findIndex(
        option => (option.dataset.missing ? null : option.value) === value,
      )
    else if (value !== null) parts.box.value = value
    parts.follow?.()
    enable()
  }
  let lacked = false
  missing?.addEventListener('change', enable)
  node.addEventListener('input', changed)
  set(start)
  return {
    name: feature.name,
    words: [feature.name, feature.description, feature.column].filter(Boolean).join(' ').toLowerCase(),
    node,
    value: read,
    set,
    noted: () => !note.hidden,
    checkLack() {
      const words = lack(feature, read())
      if (words || lacked) this.note(null, words)
      lacked = words !== null
      return lacked
    },
    note(warning, error) {
      const said = error ?? warning ?? ''
      if (note.textContent === said && note.hidden === !said) return
      note.textContent = said
      note.hidden = !said
      note.className = error ? 'note bad' : 'note warn'
      if (said) node.dataset.marked = ''
      else delete node.dataset.marked
      if (error) parts.box.setAttribute('aria-invalid', 'true')
      else parts.box.removeAttribute('aria-invalid')
    },
  }
}

/** The controls of a feature: `box` holds the value, `follow` brings the others in line with it. */
function controls(feature, id) {
  const kind = controlOf(feature)
  if (kind === 'select') {
    const options = levels(feature).map(text => make('option', { value: text, textContent: text }))
    if (!feature.required)
      options.unshift(make('option', { value: '', textContent: '(missing)', 'data-missing': 'true' }))
    const box = make('select', { id }, ...options)
    return { box, nodes: [box], inputs: [box] }
  }
  if (kind === 'combobox') {
    const box = make('input', { id, type: 'text', list: `${id}-known`, autocomplete: 'off', spellcheck: false })
    const known = make('datalist', { id: `${id}-known` }, ...levels(feature).map(value => make('option', { value })))
    return { box, nodes: [box, known], inputs: [box] }
  }
  if (kind === 'textarea') {
    const box = make('textarea', { id, rows: 3, maxLength: feature.max_length })
    return { box, nodes: [box], inputs: [box] }
  }
  if (kind !== 'number') {
    const box = make('input', { id, type: kind, step: kind === 'date' ? 1 : 'any' })
    return { box, nodes: [box], inputs: [box] }
  }
  const box = make('input', {
    id,
    type: 'number',
    step: feature.kind === 'integer' ? 1 : 'any',
    inputMode: feature.kind === 'integer' ? 'numeric' : 'decimal',
  })
  if (!hasRange(feature)) return { box, nodes: [box], inputs: [box] }
  const { min, max, step } = sliderOf(feature)
  const slider = make('input', { type: 'range', min, max, step, 'aria-label': `${feature.name}, slider` })
  slider.addEventListener('input', () => {
    box.value = slider.value
  })
  const follow = () => {
    if (box.value !== '') slider.value = box.value
  }
  box.addEventListener('input', follow)
  return { box, nodes: [slider, box], inputs: [slider, box], follow }
}

function hintOf(feature) {
  const known = levels(feature).length
  const kind = {
    integer: 'whole number',
    datetime: dateWords(feature),
    text: feature.max_length ? `text of up to ${grouped(feature.max_length)} characters` : '',
    category:
      controlOf(feature) === 'combobox'
        ? `one of ${grouped(known)} values${['missing', 'other'].includes(feature.unknown) ? ', or another text' : ''}`
        : '',
  }[feature.kind]
  return [feature.description, isNumber(feature) && feature.unit ? `in ${feature.unit}` : null, kind, rangeOf(feature)]
    .filter(Boolean)
    .join('; ')
}

function dateWords(feature) {
  if (feature.kind !== 'datetime') return ''
  const own = inTable(feature, startOf(feature) || written(feature, feature.min ?? 0))
  const kind = `${hasClock(feature) ? 'date and time' : 'date'}${hasOffset(feature) ? ' in UTC' : ''}`
  return own === null ? kind : `${kind}, in the table as ${own}`
}
