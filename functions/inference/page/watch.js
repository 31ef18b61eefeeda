// The tab Watch: how the service and its traffic are, read again while somebody looks.

import { ask, hasToken, health, Refused } from './api.js'
import { duration, facts, grouped, make, moment, percent, shown, table } from './dom.js'

const EVERY = 15000
const LOOKS = { ok: 'good', stable: 'good', degraded: 'warn', watch: 'warn', unavailable: 'bad', drift: 'bad' }
const section = title => {
  const area = make('div')
  return {
    node: make('section', { className: 'card' }, make('h2', {}, title), area),
    show: (...nodes) => area.replaceChildren(...nodes.filter(Boolean)),
  }
}
const state = word => make('strong', { className: LOOKS[word] ?? '' }, word)

export async function createWatch(panel) {
  const service = section('Service'),
    trial = section('On trial'),
    traffic = section('Traffic'),
    read = make('p', { className: 'quiet small' })
  panel.append(
    make('div', { className: 'columns' }, make('div', {}, service.node, trial.node), make('div', {}, traffic.node)),
    read,
  )

  async function refresh() {
    if (document.hidden || panel.hidden) return
    try {
      const { document: found } = await health()
      showHealth(found, service, trial)
    } catch (error) {
      service.show(make('p', { className: 'bad' }, `The service did not answer: ${error.message}`))
    }
    try {
      showTraffic((await ask('drift-status')).document, traffic)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      traffic.show(make('p', {}, error.detail))
    }
    read.textContent = `Read at ${new Date().toLocaleTimeString('en-GB')}, again every ${EVERY / 1000} seconds while this tab is open.`
  }

  setInterval(refresh, EVERY)
  document.addEventListener('visibilitychange', refresh)
  new MutationObserver(refresh).observe(panel, { attributeFilter: ['hidden'] })
  await refresh()
}

function showHealth(found, service, trial) {
  const { model, problem, challenger } = found
  service.show(
    facts([
      ['State', state(found.status)],
      ['Problem', problem && `${problem.code}, since ${moment(problem.since)}`],
      ['Model', model.reference],
      ['Loaded', model.loaded_at && moment(model.loaded_at)],
      ['Pointer read', model.pointer_age_seconds !== null ? `${duration(model.pointer_age_seconds)} ago` : null],
      ['Running for', duration(found.uptime_seconds)],
      ['Memory', found.memory_mib && `${found.memory_mib} MiB`],
      ['Release', [found.service_version, found.release].filter(Boolean).join(', ')],
    ]),
    make('p', { className: 'quiet small' }, 'One environment answers this; others may differ for seconds.'),
  )
  trial.show(
    challenger
      ? facts([
          ['Experiment', challenger.id],
          ['Version', challenger.reference],
          ['How', challenger.mode && `${challenger.mode}, ${challenger.percent}% of the requests`],
          ['State', challenger.on_trial ? 'on trial' : 'not on trial here'],
          ['Problem', challenger.problem && `${challenger.problem.code}, since ${moment(challenger.problem.since)}`],
        ])
      : make('p', {}, 'No version is on trial. This page asks for the active one, whatever is.'),
  )
}

function showTraffic(report, traffic) {
  const { window: span, features = [], predictions } = report
  const moved = [...features, ...(predictions ? [predictions] : [])].filter(
    shift => shift.state === 'drift' || shift.state === 'watch',
  )
  traffic.show(
    facts([
      ['State', state(report.state)],
      ['Version', report.version],
      ['Window', `${moment(span.from)} to ${moment(span.to)}`],
      [
        'Rows',
        report.state === 'insufficient'
          ? `${grouped(span.rows)}, of at least ${grouped(report.rows_needed)} needed`
          : grouped(span.rows),
      ],
      ['Expected', measure(report.expected)],
      ['By labels', measure(report.live)],
    ]),
    moved.length
      ? table(
          'What moved',
          ['Field', 'State', 'Distance'],
          moved.map(shift => [shift.name, state(shift.state), shown(shift.distance)]),
        )
      : make(
          'p',
          { className: 'small quiet' },
          report.state === 'insufficient'
            ? 'These are too few rows to say whether anything moved.'
            : `None of the ${grouped(features.length)} fields moved, nor did the answers.`,
        ),
    report.expected
      ? make(
          'p',
          { className: 'small quiet' },
          'Expected is what the confidence of the answers says; labels say what is true.',
        )
      : null,
    hasToken() ? null : make('p', {}, make('a', { href: 'drift-report' }, 'The report with its pictures')),
  )
}

/** A metric with its interval, such as `accuracy 95.0%, between 93.1% and 96.2%`. */
function measure(found) {
  if (!found) return null
  const write = found.metric === 'accuracy' ? percent : shown
  return `${found.metric} ${write(found.value)}${found.low === null || found.low === undefined ? '' : `, between ${write(found.low)} and ${write(found.high)}`}`
}
