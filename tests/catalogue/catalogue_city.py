"""A small real city: bare contracts, a derived dataset, two offices with the same list, a year in a series."""

from __future__ import annotations

from pathlib import Path

from arengo.city import City, init, open_city

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {name}
version: 1.0.0
status: active
schema:
  - name: {id}
    properties:
{columns}
customProperties:
{custom}
"""
TREES = """\
      - {name: tree_id, logicalType: integer, primaryKey: true, required: true, physicalName: ID_ALBERO}
      - {name: species, logicalType: string}
      - {name: district_id, logicalType: string}
      - {name: height, logicalType: number}"""
DISTRICTS = """\
      - {name: id, logicalType: string, primaryKey: true, required: true}
      - {name: name, logicalType: string}
      - {name: area, logicalType: number}"""
PEOPLE = """\
      - {name: person, logicalType: string, primaryKey: true, required: true}
      - {name: surname, logicalType: string}"""
KEEPERS = """\
      - {name: keeper, logicalType: string, required: true, customProperties: [
          {property: arengoPersonalKind, value: name},
          {property: arengoPersonalReason, value: Names of officials are public.}]}
      - {name: garden, logicalType: string}"""
DERIVED = """\
      - {name: district, logicalType: string, primaryKey: true, required: true}
      - {name: trees, logicalType: integer}
      - {name: mean_height, logicalType: number}
      - {name: density, logicalType: number}"""
SQL = (
    "WITH t AS (SELECT district_id, count(*) AS n, avg(height) AS h FROM street_trees GROUP BY 1) "
    "SELECT d.name AS district, t.n AS trees, t.h AS mean_height, t.n / d.area AS density "
    'FROM t JOIN "districts" d ON d.id = t.district_id ORDER BY 1'
)


def contract(root: Path, id: str, name: str, columns: str, *custom: str) -> None:
    lines = "\n".join(f"  - {{property: {line}}}" for line in custom)
    text = HEAD.format(id=id, name=name, columns=columns, custom=lines)
    (root / "contracts" / f"{id}.odcs.yaml").write_text(text, encoding="utf-8")


def make(root: Path) -> City:
    init(root, name="Small")
    sources = root / "sources"
    kinds = ("Tiglio", "Platano", "Acero", "Leccio", "Olmo", "Pioppo", "Cedro", "Cipresso", "Quercia", "Faggio")
    trees = "ID_ALBERO,species,district_id,height\n" + "".join(
        f"{n},{kinds[n % 10]} comune,{'ABC'[n % 3]},{3 + n % 7}\n" for n in range(60)
    )
    (sources / "trees.csv").write_text(trees, encoding="utf-8")
    (sources / "trees2.csv").write_text(trees, encoding="utf-8")
    (sources / "trees3.csv").write_text(trees + "60,Olmo comune,A,4\n", encoding="utf-8")
    (sources / "districts.csv").write_text(
        "id,name,area\nA,Borgo Nuovo,2\nB,Marina Alta,3\nC,Colle,4\n", encoding="utf-8"
    )
    (sources / "people.csv").write_text("person,surname\n1,Zanichelli\n2,Malpighi\n", encoding="utf-8")
    (sources / "keepers.csv").write_text(
        "keeper,garden\n" + "Aldrovandi,Villa Verde\n" * 3 + "Aldrovandi,Orto Botanico\n", encoding="utf-8"
    )
    at = "arengoSource, value: {kind: csv, path: sources/"
    contract(
        root,
        "street-trees",
        "Alberi delle strade",
        TREES,
        f"{at}trees.csv}}",
        "arengoLanguage, value: it",
        "arengoOwner, value: Ufficio Verde",
        "arengoTranslations, value: {en: {name: Street trees, description: Every tree.}}",
    )
    contract(root, "green-register", "Registro del verde", TREES, f"{at}trees2.csv}}", "arengoLanguage, value: it")
    contract(root, "trees-copy", "Alberi, elenco delle strade", TREES, f"{at}trees3.csv}}", "arengoLanguage, value: it")
    contract(
        root,
        "districts",
        "Districts",
        DISTRICTS,
        f"{at}districts.csv}}",
        "arengoSeries, value: {id: areas, title: {en: Areas of the city}}",
    )
    contract(root, "residents", "Residents", PEOPLE, f"{at}people.csv}}", "arengoAccess, value: shared")
    contract(root, "gardens", "Gardens and who keeps them", KEEPERS, f"{at}keepers.csv}}")
    contract(root, "trees-by-district", "Trees by district", DERIVED,
             f"arengoSource, value: {{kind: query, sql: '{SQL}'}}")  # fmt: skip
    (root / "organisations.toml").write_text(
        '["Ufficio Verde"]\nemail = "verde@example.org"\nidentifier = "c_x01"\nhomepage = "https://example.org/verde"\n'
        'name = {it = "Ufficio Verde", en = "Parks Office"}\n',
        encoding="utf-8",
    )
    return open_city(root)
