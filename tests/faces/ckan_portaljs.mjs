// The npm package @portaljs/ckan: node ckan_portaljs.mjs FOLDER_OF_NODE_MODULES ADDRESS
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const at = createRequire(process.argv[2] + '/x.js').resolve('@portaljs/ckan').replace('umd', 'es')
const { CKAN } = await import(pathToFileURL(at))
const ckan = new CKAN(process.argv[3])
const names = list => list.map(item => item.name)

const out = { list: await ckan.getDatasetsList(), pages: [] }
for (let offset = 0; ; offset += 2) {
  const page = await ckan.getDatasetsListWithDetails({ offset, limit: 2 })
  if (!page.length) break
  out.pages.push(...names(page))
}
const search = await ckan.packageSearch({
  offset: 0,
  limit: 5,
  tags: ['green'],
  orgs: ['parks-office'],
  groups: ['envi', 'regi'],
  resFormat: ['CSV'],
  query: 'trees',
  sort: 'metadata_modified desc',
})
out.search = [search.count, names(search.datasets)]
const details = await ckan.getDatasetDetails('trees')
out.details = details.title
out.missing = await ckan.getDatasetDetails('nothing').catch(error => String(error))
out.stream = (await ckan.getDatasetActivityStream('trees')).length
out.groups = names(await ckan.getGroupsWithDetails())
out.group = (await ckan.getGroupDetails('envi')).packages.length
out.groupStream = await ckan.getGroupActivityStream('envi')
out.orgs = names(await ckan.getOrgsWithDetails(true))
out.org = (await ckan.getOrgDetails('parks-office')).packages[0].name
out.orgStream = await ckan.getOrgActivityStream('parks-office')
out.tags = names(await ckan.getAllTags())
out.aliases = names(await ckan.getResourcesWithAliasList())
const table = details.resources.find(item => item.datastore_active).id
out.rows = (await ckan.datastoreSearch(table)).length
out.resource = (await ckan.getResourceMetadata(table)).id === table
out.fields = (await ckan.getResourceInfo(table)).fields.length
out.facets = await ckan.getFacetFields('groups')
console.log(JSON.stringify(out))
