// The npm package ckan: node ckan_js.mjs FOLDER_OF_NODE_MODULES ADDRESS
import { createRequire } from 'node:module'

const CKAN = createRequire(process.argv[2] + '/x.js')('ckan')
const client = new CKAN.Client(process.argv[3], 'unused')
const promised = work => new Promise((done, fail) => work((error, body) => (error ? fail(error) : done(body))))
const call = (name, data) => promised(end => client.action(name, data, end)).then(body => body.result)

const shown = await call('dataset_show', { id: 'trees' })
const table = shown.resources.find(item => item.datastore_active).id
const rows = await promised(end =>
  client.datastoreQuery(
    {
      resource_id: table,
      size: 3,
      sort: [{ field: 'id', order: 'asc' }],
      filters: [{ type: 'term', field: 'district', term: 'Nord' }],
    },
    end,
  ),
)
const tables = await promised(end => client.datastoreResources(end))
const sql = await promised(end => client.datastoreSqlQuery(`SELECT count(*) AS n FROM "${table}"`, end))
const refused = await call('package_show', { id: 'nothing' }).catch(error => String(error))
console.log(JSON.stringify({ name: shown.name, rows, tables: tables.result.total, sql: sql.hits, refused }))
