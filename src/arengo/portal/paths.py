"""Every address of the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from arengo.portal import (
    accord_paths,
    agreement_paper,
    applications,
    assets,
    builder,
    census,
    citation,
    comparison,
    dashboard_maker,
    dashboards,
    dataset,
    diagram,
    documents,
    embed,
    erasure,
    evidence,
    gallery,
    glossary,
    guide,
    harvests,
    home,
    identities,
    ledger,
    look,
    metadata,
    operator,
    organisation,
    origin,
    participation,
    place,
    policies,
    preview,
    privacy,
    product,
    readership,
    register,
    results,
    row,
    runs,
    series,
    statement,
    steward,
    table,
    take,
    theme,
    timeline,
    workbench,
    workbench_dataset,
)
from arengo.portal.drawing import Studio
from arengo.portal.site import Quarantine, Site
from arengo.portal.visit import preferences
from arengo.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from arengo.catalogue import Catalogue
    from arengo.door import Door
    from arengo.services.access import Access
    from arengo.services.erasure import Erasure
    from arengo.services.gate import Desk
    from arengo.state import State


def pages(
    door: Door,
    catalogue: Catalogue,
    settings: Settings,
    state: State,
    quarantine: Quarantine,
    access: Access | None = None,
    desk: Desk | None = None,
    erased: Callable[[], Erasure] | None = None,
) -> list[BaseRoute]:
    """Raises SettingsError for a look that cannot be shown and for an accessibility statement that cannot be made."""
    statement.check(settings)
    studio = Studio(settings.home / "versions", look.read(settings).folders)
    site = Site(settings, door, catalogue, state, studio, quarantine, access, desk, erased)

    at = "/datasets/{dataset}"
    answers = {
        "/": home.home,
        "/datasets": results.datasets,
        "/themes/{theme}": theme.single,
        "/organisations": organisation.listing,
        "/organisations/{agent}": organisation.single,
        "/series/{series}": series.single,
        "/api/v1/suggest": results.suggestions,
        "/guide": guide.page,
        "/words": glossary.page,
        "/accessibility": statement.page,
        "/preview.png": preview.city,
        "/preview/{dataset}.png": preview.dataset,
        "/about": home.about,
        "/quality-of-metadata": metadata.page,
        "/preferences": preferences,
        "/register": register.page,
        "/register.csv": register.table,
        "/register.pdf": register.paper,
        "/api/v1/agreements/{agreement}/document.pdf": agreement_paper.document,
        "/register/retention": register.retention,
        "/seal.pem": register.certificate,
        f"{at}/privacy-notice": register.dataset_notice,
        f"{at}/privacy-notice.pdf": register.notice_paper,
        f"{at}/dpia": register.dpia,
        f"{at}/dpia.pdf": register.dpia_paper,
        "/policies": policies.page,
        "/policies/reads": readership.party,
        f"{at}/access/who": readership.page,
        "/runs": runs.listing,
        "/runs/{run}": runs.single,
        "/harvests": harvests.page,
        "/operator": operator.page,
        "/sql": workbench.page,
        "/store": product.store,
        "/applications": applications.listing,
        "/applications/{application}": applications.single,
        "/sql/dataset": workbench_dataset.page,
        "/sql/dataset.yaml": workbench_dataset.file,
        "/queries": workbench.listing,
        "/queries/{query}": workbench.single,
        at: dataset.overview,
        f"{at}/table": table.page,
        "/charts": gallery.listing,
        "/charts/{chart}": gallery.single,
        "/dashboards": dashboards.listing,
        "/dashboards/new": dashboard_maker.page,
        "/dashboards/new.yaml": dashboard_maker.source,
        "/dashboards/{dashboard}.yaml": dashboards.source,
        "/dashboards/{dashboard}": dashboards.single,
        "/oembed": embed.oembed,
        f"{at}/charts": diagram.page,
        f"{at}/chart": builder.page,
        f"{at}/chart.svg": builder.svg,
        f"{at}/chart.png": builder.png,
        f"{at}/chart.csv": builder.csv,
        f"{at}/chart.vl.json": builder.vega,
        f"{at}/charts/{{column:path}}": diagram.single,
        f"{at}/map": place.page,
        f"{at}/columns": evidence.columns,
        f"{at}/quality": evidence.quality,
        f"{at}/quarantine.csv": evidence.quarantine,
        f"{at}/versions": timeline.versions,
        f"{at}/compare": comparison.page,
        f"{at}/compare.csv": comparison.file,
        f"{at}/documents": documents.page,
        f"{at}/documents/{{document}}": documents.reader,
        f"{at}/edit": steward.page,
        f"{at}/downloads": take.downloads,
        f"{at}/api": product.page,
        f"{at}/origin": origin.page,
        f"{at}/cite.{{form}}": citation.file,
        f"{at}/rows/{{key:path}}": row.page,
    }
    frames = {
        "/embed/chart": embed.chart,
        "/embed/charts/{chart}": embed.kept,
        "/embed/dashboards/{dashboard}": dashboards.framed,
    }
    return [
        *assets.routes(settings, studio),
        *(Route(path, site.serve(answer), methods=["GET", "HEAD"]) for path, answer in answers.items()),
        Route(f"{at}/edit", site.take(steward.take, steward.MOST), methods=["POST"]),
        *accord_paths.routes(site),
        *participation.routes(site),
        *ledger.routes(site),
        *privacy.routes(site),
        *erasure.routes(site),
        *identities.routes(site),
        *census.routes(site),
        *(Route(path, embed.framed(site, answer), methods=["GET", "HEAD"]) for path, answer in frames.items()),
        Route(f"{at}/chart", site.take(gallery.keep), methods=["POST"]),
        Route("/applications", site.take(applications.register), methods=["POST"]),
        Route("/applications/{application}", site.take(applications.take), methods=["POST"]),
        Route("/charts/{chart}", site.take(gallery.drop), methods=["POST"]),
        Route("/dashboards/new", site.take(dashboard_maker.keep, 400_000), methods=["POST"]),
        Route("/dashboards/{dashboard}", site.take(dashboard_maker.drop), methods=["POST"]),
        Route("/sql", site.take(workbench.take, workbench.MOST), methods=["POST"]),
        Route("/sql/dataset", site.take(workbench_dataset.save, workbench_dataset.MOST), methods=["POST"]),
        Route("/queries/{query}", site.take(workbench.drop), methods=["POST"]),
        Route("/harvests", site.take(harvests.take), methods=["POST"]),
        Route("/operator", site.take(operator.enter, operator.MOST), methods=["POST"]),
    ]
