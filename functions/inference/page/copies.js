// The request as code that runs as it is copied: in a shell, in Python without packages, in JavaScript.

const shell = text => `'${text.replaceAll("'", "'\\''")}'`

/** JSON as a Python literal: the three names that differ, outside of texts. */
const python = json => json.replace(/"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g, part => ({ true: 'True', false: 'False', null: 'None' })[part] ?? part)

const LANGUAGES = {
  curl: ({ address, instance, token }) => [`curl ${shell(address)}`, '-H \'content-type: application/json\'',
    ...(token ? ['-H "authorization: Bearer $TOKEN"'] : []), `-d ${shell(`{"instances": [${instance}]}`)}`].join(' \\\n  '),
  Python: ({ address, instance, token }) => `import json
${token ? 'import os\n' : ''}from urllib.request import Request, urlopen

instance = ${python(instance)}
headers = {"content-type": "application/json"${token ? ', "authorization": "Bearer " + os.environ["TOKEN"]' : ''}}
request = Request(${JSON.stringify(address)}, json.dumps({"instances": [instance]}).encode(), headers)
with urlopen(request) as response:
    print(json.load(response)["predictions"][0])`,
  JavaScript: ({ address, instance, token }) => `const response = await fetch(${JSON.stringify(address)}, {
  method: "POST",
  headers: { "content-type": "application/json"${token ? ', authorization: `Bearer ${process.env.TOKEN}`' : ''} },
  body: ${JSON.stringify(`{"instances": [${instance}]}`)},
})
if (!response.ok) throw new Error(await response.text())
console.log((await response.json()).predictions[0])`,
}

export const languages = Object.keys(LANGUAGES)

/** The request for an instance, a JSON text. */
export const codeIn = (language, request) => LANGUAGES[language](request)
