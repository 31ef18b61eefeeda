// The tab Model: what the active version is, how good it is, and where to read who made it active.

import { ask, hasToken, Refused } from './api.js'
import { facts, grouped, make, metricText, moment, table } from './dom.js'

const intervalText = interval => (interval ? `${metricText(interval.low)} to ${metricText(interval.high)}` : '')
const MOST_VERSIONS = 20
const section = (title, ...nodes) => make('section', { className: 'card' }, make('h2', {}, title), ...nodes)

export async function createModel(panel, info) {
  const { contract, metrics, lineage, compiled } = info,
    { target } = contract
  panel.append(
    make(
      'div',
      { className: 'columns' },
      make(
        'div',
        {},
        section(
          'The active version',
          facts([
            ['Version', info.reference],
            ['Made', moment(info.created_at)],
            [
              'Predicts',
              contract.task === 'classification'
                ? `${target.name}: one of ${grouped(target.classes.length)} classes`
                : [target.name, target.unit && `in ${target.unit}`].filter(Boolean).join(' '),
            ],
            ['From', `${grouped(contract.features.length)} ${contract.features.length === 1 ? 'field' : 'fields'}`],
            ['Estimator', info.selected],
            ['Trained elsewhere', lineage.adopted?.file],
            ['Served as', compiled?.format ? `${compiled.format} ${compiled.dtype ?? ''}` : 'its estimator itself'],
            [
              'Rows',
              lineage.train_rows &&
                `${grouped(lineage.train_rows)} to train, ${grouped(lineage.holdout_rows)} to measure`,
            ],
            ['Code', lineage.git_commit && lineage.git_commit.slice(0, 12)],
          ]),
          ...(lineage.notes ?? []).map(note => make('p', { className: 'small quiet' }, note)),
          card(),
        ),
        section(
          'Gates it passed',
          table(
            'Gates',
            ['Metric', 'Value', 'Asked for'],
            (info.gates ?? []).map(gate => [
              gate.metric,
              metricText(gate.value),
              gate.detail ??
                [
                  gate.min !== undefined && `at least ${metricText(gate.min)}`,
                  gate.max !== undefined && `at most ${metricText(gate.max)}`,
                ]
                  .filter(Boolean)
                  .join(', '),
            ]),
          ),
        ),
        await moves(),
      ),
      make(
        'div',
        {},
        section(
          'How good it is',
          make(
            'p',
            { className: 'small quiet' },
            `${lineage.adopted ? 'On rows that the model may have been trained on' : 'On rows that no candidate has seen'}, with 95% intervals where resampling gives them${lineage.adopted ? '.' : '; and over the folds of training.'}`,
          ),
          table(
            'Metrics',
            ['Metric', 'Holdout', 'Interval', 'Cross-validated'],
            Object.entries(metrics.holdout).map(([name, value]) => [
              name,
              metricText(value),
              intervalText(metrics.intervals?.[name]),
              metrics.cross_validated[name] ? metricText(metrics.cross_validated[name].mean) : '',
            ]),
          ),
        ),
        ...classes(metrics.per_class ?? []),
        ...candidates(info),
      ),
    ),
  )
}

/** The candidates in their order; none of a model that was trained elsewhere. */
function candidates({ lineage, leaderboard, selected, select_by: metric }) {
  if (lineage.adopted) return []
  return [
    section(
      `Candidates by ${metric}`,
      table(
        'Candidates',
        ['Candidate', metric],
        leaderboard.map(({ candidate, scores }) => [
          candidate === selected ? make('strong', {}, `${candidate} (selected)`) : candidate,
          scores?.[metric] ? metricText(scores[metric].mean) : '',
        ]),
      ),
    ),
  ]
}

function classes(rows) {
  if (!rows.length) return []
  return [
    section(
      'By class',
      table(
        'Classes on the holdout',
        ['Class', 'Precision', 'Recall', 'Rows'],
        rows.map(row => [String(row.name), metricText(row.precision), metricText(row.recall), grouped(row.support)]),
      ),
    ),
  ]
}

/** The model card, as a link; with a token, which no link carries, as a file. */
function card() {
  if (!hasToken())
    return make('p', {}, make('a', { href: 'model-card' }, 'Model card'), ': intended use, data, pictures and limits')
  const save = make('button', { type: 'button' }, 'Download the model card'),
    state = make('span', { role: 'status', className: 'small' })
  save.addEventListener('click', async () => {
    try {
      const { document: text } = await ask('model-card', { as: 'text' })
      const address = URL.createObjectURL(new Blob([text], { type: 'text/html' }))
      make('a', { href: address, download: 'model-card.html' }).click()
      setTimeout(() => URL.revokeObjectURL(address), 10000)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      state.textContent = error.message
    }
  })
  return make('div', { className: 'row' }, save, state)
}

/** The versions and who made them active; a service that has no such path leaves it to the command line. */
async function moves() {
  try {
    const {
      document: { versions, moves: known },
    } = await ask('history')
    return section(
      'Versions, and who made them active',
      make(
        'p',
        { className: 'small' },
        `Published: ${versions.slice(0, MOST_VERSIONS).join(', ')}${versions.length > MOST_VERSIONS ? ` and ${versions.length - MOST_VERSIONS} older` : ''}.`,
      ),
      table(
        'Moves of the pointer',
        ['When', 'From', 'To', 'Who', 'How'],
        known.map(move => [
          moment(move.at),
          name(move.from),
          name(move.to),
          move.by,
          [move.kind, move.tool].filter(Boolean).join(', '),
        ]),
      ),
    )
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return section(
      'Versions, and who made them active',
      make(
        'p',
        {},
        error.status === 404 ? 'This service does not tell. ' : `${error.detail}. `,
        make('code', {}, 'skylift versions'),
        ' lists the versions and ',
        make('code', {}, 'skylift history'),
        ' who moved the pointer, when, from what to what.',
      ),
    )
  }
}

const name = reference => reference.split('@')[0]
