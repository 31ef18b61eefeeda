// What would change the answer: for each feature alone, the smallest change that does, found by asking.

import { between, distance, levels, others, placeOf } from './contract.js'

const FIRST_ROWS = 2000,
  MOST_NUMBERS = 40
const REFINEMENTS = 2

/**
 * Changes of one feature after which `isChanged(prediction)` holds, the smallest first.
 * `ask(rows)` answers rows, each a map of values, with their predictions.
 */
export async function smallestChanges(features, values, ask, isChanged) {
  const known = mostKnown(features),
    most = Math.min(MOST_NUMBERS, known)
  const tries = features.flatMap(feature =>
    others(feature, values.get(feature.name), most, known).map(other => ({ feature, ...other })),
  )
  let found = [...nearest(values, await asked(tries, values, ask, isChanged)).values()]
  for (let round = 0; round < REFINEMENTS; round += 1) {
    const finer = found
      .filter(hit => hit.number !== undefined && hit.unchanged !== null)
      .flatMap(hit =>
        between(hit.feature, hit.unchanged, hit.number).map(other => ({ feature: hit.feature, ...other })),
      )
    if (!finer.length) break
    const before = found.flatMap(hit => [
      hit,
      ...(hit.number === undefined ? [] : [{ ...hit, number: hit.unchanged, changed: false }]),
    ])
    found = [...nearest(values, [...before, ...(await asked(finer, values, ask, isChanged))]).values()]
  }
  return found.sort((one, other) => one.distance - other.distance)
}

const mostKnown = features => Math.max(3, Math.floor(FIRST_ROWS / features.length))

/** The features of which not every known value is tried. */
export const triedInPart = features => features.filter(feature => levels(feature).length > mostKnown(features))

async function asked(tries, values, ask, isChanged) {
  const predictions = await ask(tries.map(({ feature, text }) => new Map(values).set(feature.name, text)))
  return tries.map((each, place) => ({
    ...each,
    prediction: predictions[place],
    changed: isChanged(predictions[place]),
    distance: distance(each.feature, values.get(each.feature.name), each.text),
  }))
}

/** The nearest change of each feature, with the last number before it that changes nothing. */
function nearest(values, tried) {
  const found = new Map()
  for (const hit of tried) {
    if (hit.changed && !(found.get(hit.feature.name)?.distance <= hit.distance)) found.set(hit.feature.name, hit)
  }
  for (const [name, hit] of found) {
    const start = placeOf(hit.feature, values.get(name))
    found.set(name, {
      ...hit,
      unchanged:
        hit.number === undefined || start === null || Number.isNaN(start) ? null : lastBefore(hit, start, tried),
    })
  }
  return found
}

function lastBefore(hit, start, tried) {
  const way = Math.sign(hit.number - start)
  return tried
    .filter(each => each.feature === hit.feature && !each.changed && each.number !== undefined && each.number !== null)
    .map(each => each.number)
    .filter(number => way * (number - start) > 0 && way * (hit.number - number) > 0)
    .reduce((last, number) => (way * (number - last) > 0 ? number : last), start)
}
