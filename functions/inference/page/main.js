// The page: finds out what is served, asks for a token where the API wants one, and fills a tab when it is first opened.

import { ask, hasToken, passes, Refused, setSigned, setToken, whenTokenIsWanted } from './api.js'
import { $, make, metricText } from './dom.js'
import { createTry } from './try.js'

const AGAIN = 3 // seconds
const TABS = ['try', 'many', 'model', 'watch']
const LATER = {
  // what most visits do not need
  many: async panel => (await import('./many.js')).createMany(panel, info),
  model: async panel => (await import('./model.js')).createModel(panel, info),
  watch: async panel => (await import('./watch.js')).createWatch(panel, info),
}
const opened = new Set()
let info = null,
  answerAgain = () => {}

async function start() {
  try {
    const { document: found, headers } = await ask('model-info')
    begin(found, headers.get('x-skylift-signed-for'))
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    $('facts').textContent = whatToDo(error)
    $('facts').className = error.wantsToken && !hasToken() ? 'quiet' : 'bad'
    if (passes(error.status)) setTimeout(start, 1000 * (error.retryAfter ?? AGAIN))
  }
}

function whatToDo(error) {
  if (error.wantsToken)
    return hasToken() ? `This token was refused: ${error.message}` : 'Nothing is shown without a token.'
  return error.status !== 403
    ? error.message
    : `${error.message}. This API answers signed requests of AWS alone, which a browser cannot make: \`skylift page --stack NAME\` opens this page on your machine and signs them.`
}

function begin(found, signed) {
  info = found
  if (signed) {
    const [region, address] = signed.split(' ')
    setSigned({ region, address })
    $('signed').textContent =
      `\`skylift page\` signs the requests of this page to ${address} with your AWS credentials, as long as it runs.`
    $('signed').hidden = false
  }
  const { target } = info.contract
  document.title = $('title').textContent = `${info.model}: predict ${target.name}`
  const measured = Object.entries(info.metrics.holdout)
    .slice(0, 3)
    .map(([name, value]) => `${name} ${metricText(value)}`)
    .join(', ')
  const rows = info.lineage.adopted ? 'on rows that it may have been trained on' : 'on rows that training did not see'
  $('facts').textContent = [info.version, measured && `${rows}: ${measured}`]
    .filter(Boolean)
    .join(', ')
  $('facts').className = 'quiet'
  $('access').hidden = true
  $('developers').hidden = hasToken() // no link carries it
  $('tabs').hidden = false
  answerAgain()
  open(TABS.includes(location.hash.slice(1)) ? location.hash.slice(1) : 'try')
}

function open(name) {
  for (const each of TABS) {
    const tab = $(`tab-${each}`),
      chosen = each === name
    tab.setAttribute('aria-selected', String(chosen))
    tab.tabIndex = chosen ? 0 : -1
    $(each).hidden = !chosen
  }
  if (opened.has(name)) return
  opened.add(name)
  if (name === 'try') answerAgain = createTry($('try'), info)
  else
    LATER[name]($(name)).catch(error =>
      $(name).replaceChildren(make('p', { className: 'bad' }, `This tab could not be opened: ${error.message}`)),
    )
}

$('tabs').addEventListener('click', event => {
  const tab = event.target.closest('[role=tab]')
  if (!tab) return
  history.replaceState(history.state, '', `#${tab.getAttribute('aria-controls')}`)
  open(tab.getAttribute('aria-controls'))
})
$('tabs').addEventListener('keydown', event => {
  const place = TABS.findIndex(name => $(`tab-${name}`) === document.activeElement)
  const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: TABS.length - 1 }[event.key]
  if (next === undefined || place < 0) return
  event.preventDefault()
  const tab = $(`tab-${TABS[(next + TABS.length) % TABS.length]}`)
  tab.focus()
  tab.click()
})
whenTokenIsWanted(() => {
  if (!$('access').hidden) return
  $('access').hidden = false
  $('token').focus()
})
$('access').addEventListener('submit', event => {
  event.preventDefault()
  setToken($('token').value)
  $('token').value = ''
  $('access').hidden = true
  start()
})
start()
