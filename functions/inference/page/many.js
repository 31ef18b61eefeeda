// The tab Many: a table as a file or pasted, its answers, and the same as a file.

import { inWords } from './answer.js'
import { predict } from './api.js'
import { answered, columnsOf, hasCommas, rowJson, scoreAll } from './bulk.js'
import { decoded, parse, write } from './csv.js'
import { grouped, make, table } from './dom.js'

const PAGE = 100,
  MOST_ROWS_OF_A_REQUEST = 500,
  MOST_NAMES = 12

const some = names =>
  names.length > MOST_NAMES ? `${names.slice(0, MOST_NAMES).join(', ')} and ${names.length - MOST_NAMES} more` : names.join(', ')

export function createMany(panel, info) {
  const { contract } = info,
    { features, target } = contract
  const file = make('input', { id: 'file', type: 'file', accept: '.csv,.tsv,.txt,text/csv,text/plain' })
  const pasted = make('textarea', {
    id: 'pasted',
    rows: 5,
    spellcheck: false,
    placeholder: features
      .map(feature => feature.name)
      .slice(0, 6)
      .join(','),
  })
  const begin = make('button', { type: 'button', className: 'main' }, 'Answer all rows')
  const stop = make('button', { type: 'button', hidden: true }, 'Stop')
  const progress = make('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'Rows that have an answer' })
  const state = make('p', { role: 'status' }),
    area = make('div')
  const drop = make(
    'div',
    { className: 'drop' },
    make('label', { htmlFor: 'file' }, 'A file with a header line, chosen or dropped here'),
    file,
  )
  let running = null

  panel.append(
    make(
      'div',
      { className: 'card' },
      make('h2', {}, 'A table of rows'),
      make(
        'p',
        { className: 'small quiet' },
        'Commas, semicolons, tabs or bars between cells; names of the columns as here or as in the table of training; an empty cell is a missing value. The rows go to this API alone.',
      ),
      drop,
      make('label', { htmlFor: 'pasted' }, 'Or paste them'),
      pasted,
      make('div', { className: 'row' }, begin, stop),
      progress,
      state,
    ),
    area,
  )

  file.addEventListener('click', () => {
    file.value = '' // the same file may have changed
  })
  file.addEventListener('change', () => file.files[0] && use(file.files[0]))
  drop.addEventListener('dragover', event => {
    event.preventDefault()
    drop.dataset.over = ''
  })
  drop.addEventListener('dragleave', () => delete drop.dataset.over)
  drop.addEventListener('drop', event => {
    event.preventDefault()
    delete drop.dataset.over
    if (!event.dataTransfer.files[0]) return
    file.files = event.dataTransfer.files
    use(file.files[0])
  })
  begin.addEventListener('click', () => (file.files[0] && !pasted.value.trim() ? use(file.files[0]) : run(pasted.value)))
  stop.addEventListener('click', () => running?.abort())

  async function use(chosen) {
    run(decoded(new Uint8Array(await chosen.arrayBuffer())))
  }

  async function run(text) {
    running?.abort()
    running = null
    area.replaceChildren()
    let rows
    try {
      rows = parse(text)
    } catch (error) {
      return say(`This table cannot be read: ${error.message}`)
    }
    if (rows.length < 2) return say('There is no row below a header line.')
    const [header, ...body] = rows,
      { columns, unused, absent } = columnsOf(header, features)
    const needed = absent.filter(feature => feature.required)
    if (needed.length)
      return say(
        `Columns are missing: ${some(needed.map(feature => feature.name))}. The header has: ${some(header)}`,
      )
    const mine = (running = new AbortController()),
      commas = hasCommas(columns, body)
    begin.disabled = true
    stop.hidden = progress.hidden = false
    progress.max = body.length
    progress.value = 0
    const started = performance.now()
    try {
      const { results, ended } = await answerAll(mine, header, body, columns, commas)
      if (running !== mine) return // another table was chosen meanwhile
      const seconds = (performance.now() - started) / 1000
      say(inTotal(results, seconds, ended))
      if (!ended || results.some(result => result.prediction))
        draw(header, body, results, columns, [...notes(unused, absent, commas)])
    } finally {
      if (running === mine) {
        begin.disabled = false
        stop.hidden = progress.hidden = true
      }
    }
  }

  async function answerAll(mine, header, body, columns, commas) {
    const whole = body.map((_, place) => place).filter(place => body[place].length === header.length)
    const { results: answers, ended } = await scoreAll(
      whole.map(place => rowJson(columns, body[place], commas)),
      instances => predict(instances, { signal: mine.signal }),
      {
        size: Math.min(info.max_instances, MOST_ROWS_OF_A_REQUEST),
        tell(done) {
          if (running !== mine) return
          progress.value = done
          say(`${grouped(done)} of ${grouped(body.length)} rows`)
        },
      },
    )
    const results = body.map(row => ({ problem: `it has ${row.length} cells, and the header has ${header.length}` }))
    whole.forEach((place, number) => {
      results[place] = answers[number]
    })
    return { results, ended }
  }

  function inTotal(results, seconds, ended) {
    const open = results.filter(result => result.open).length,
      refused = results.filter(result => result.problem).length - open
    const parts = [
      `${grouped(results.length - refused - open)} of ${grouped(results.length)} rows have an answer, in ${seconds.toFixed(1)} s`,
      refused && `${grouped(refused)} ${refused === 1 ? 'was' : 'were'} refused`,
      open && `${grouped(open)} ${open === 1 ? 'was' : 'were'} not asked`,
    ]
    const why = !ended ? '' : ended.name === 'AbortError' ? ' Stopped.' : ` ${ended.message}`
    return `${parts.filter(Boolean).join('; ')}.${why}`
  }

  function say(text) {
    state.textContent = text
  }

  function* notes(unused, absent, commas) {
    if (commas) yield 'A comma in a number was read as its decimal point.'
    if (unused.length) yield `Not used by the model: ${some(unused)}.`
    if (absent.length) yield `Missing in every row: ${some(absent.map(feature => feature.name))}.`
  }

  function draw(header, body, results, columns, said) {
    const save = make('button', { type: 'button' }, 'Download answers'),
      only = make('input', { type: 'checkbox' })
    const list = make('div'),
      more = make('button', { type: 'button' }, 'Show more')
    let count = PAGE
    const show = () => {
      const places = results
        .map((_, place) => place)
        .filter(place => !only.checked || results[place].problem || results[place].warnings.length)
      list.replaceChildren(
        table(
          'Answers',
          ['Row', `Predicted ${target.name}`, 'Remarks', ...header],
          places
            .slice(0, count)
            .map(place => [
              grouped(place + 1),
              results[place].problem
                ? make('strong', { className: 'bad' }, results[place].open ? 'none' : 'refused')
                : inWords(results[place].prediction, target),
              results[place].problem
                ? make('span', { className: 'bad' }, results[place].problem)
                : results[place].warnings
                    .map(warning => [warning.field, warning.message].filter(Boolean).join(': '))
                    .join('; '),
              ...header.map((_, column) => body[place][column] ?? ''),
            ]),
          'many',
        ),
      )
      more.hidden = places.length <= count
    }
    more.addEventListener('click', () => {
      count += PAGE
      show()
    })
    only.addEventListener('change', show)
    save.addEventListener('click', () => {
      const address = URL.createObjectURL(
        new Blob(['\ufeff', write(answered(header, body, results, target, columns))], { type: 'text/csv' }),
      )
      make('a', { href: address, download: `${info.model}-${info.version}-answers.csv` }).click()
      setTimeout(() => URL.revokeObjectURL(address), 10000)
    })
    show()
    area.replaceChildren(
      make(
        'div',
        { className: 'card' },
        ...said.map(words => make('p', { className: 'small' }, words)),
        make('div', { className: 'row' }, save, make('label', { className: 'row' }, only, 'Only rows with remarks')),
        list,
        more,
      ),
    )
  }
}
