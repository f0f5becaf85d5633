//! Reads what is registered, and finds it by words: with or without diacritics, in any order, by their beginnings.

use super::fold::EVER;
use super::words::query_words;
use crate::page::Page;
use crate::read::{Cut, Query, beyond, position};
use crate::stock::read::today;
use crate::{Error, filter, names};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::registry::v1 as proto;
use wire::proto::chuoi::registry::v1::RegistryKind;

/// A kind of registered thing: its columns with what is joined, where they come from, its key, and how a row is read.
struct Kind<T> {
    /// As the tables of what becomes of things name it.
    name: &'static str,
    columns: &'static str,
    from: &'static str,
    key: &'static str,
    read: fn(&Row) -> Result<T, Error>,
    code: fn(&T) -> String,
}

const CHAINS: Kind<proto::Chain> = Kind {
    name: "chain",
    columns:
        "k.*, o.name AS lead_name, d.name AS district_name, c.quantity_per_day_milli, c.unit, c.from_day AS capacity_from_day,
              (SELECT count(DISTINCT coalesce(d.survivor_code, m.member_code)) FROM memberships m
               LEFT JOIN merged d ON d.kind = 'site' AND d.code = m.member_code
               WHERE m.chain_code = k.chain_code AND m.member_kind = 'site') AS sites,
              (SELECT count(DISTINCT coalesce(d.survivor_code, m.member_code)) FROM memberships m
               LEFT JOIN merged d ON d.kind = 'product' AND d.code = m.member_code
               WHERE m.chain_code = k.chain_code AND m.member_kind = 'product') AS products",
    from: "chains k LEFT JOIN organizations o ON o.organization_code = k.lead_organization_code
           LEFT JOIN districts d ON d.district_code = k.district_code LEFT JOIN capacities c ON c.chain_code = k.chain_code",
    key: "k.chain_code",
    read: chain,
    code: |chain| chain.registered.as_ref().map(|fact| fact.chain_code.clone()).unwrap_or_default(),
};

const ORGANIZATIONS: Kind<proto::Organization> = Kind {
    name: "organization",
    columns: "k.*, (SELECT count(*) FROM sites s LEFT JOIN merged o ON o.kind = 'organization' AND o.code = s.organization_code
                     WHERE coalesce(o.survivor_code, s.organization_code) = k.organization_code
                         AND NOT EXISTS (SELECT FROM merged d WHERE d.kind = 'site' AND d.code = s.site_code)) AS sites",
    from: "organizations k",
    key: "k.organization_code",
    read: organization,
    code: |organization| organization.registered.as_ref().map(|fact| fact.organization_code.clone()).unwrap_or_default(),
};

const SITES: Kind<proto::Site> = Kind {
    name: "site",
    columns: "k.*, o.name AS organization_name, d.name AS district_name,
              ARRAY(SELECT DISTINCT m.chain_code FROM memberships m LEFT JOIN merged d ON d.kind = 'site' AND d.code = m.member_code
                    WHERE m.member_kind = 'site' AND k.site_code IN (m.member_code, d.survivor_code)
                    ORDER BY m.chain_code) AS chain_codes",
    from: "sites k LEFT JOIN organizations o ON o.organization_code = k.organization_code
           LEFT JOIN districts d ON d.district_code = k.district_code",
    key: "k.site_code",
    read: site,
    code: |site| site.registered.as_ref().map(|fact| fact.site_code.clone()).unwrap_or_default(),
};

const PRODUCTS: Kind<proto::Product> = Kind {
    name: "product",
    columns:
        "k.*, ARRAY(SELECT DISTINCT m.chain_code FROM memberships m LEFT JOIN merged d ON d.kind = 'product' AND d.code = m.member_code
                    WHERE m.member_kind = 'product' AND k.product_code IN (m.member_code, d.survivor_code)
                    ORDER BY m.chain_code) AS chain_codes",
    from: "products k",
    key: "k.product_code",
    read: product,
    code: |product| product.registered.as_ref().map(|fact| fact.product_code.clone()).unwrap_or_default(),
};

const DISTRICTS: Kind<proto::District> = Kind {
    name: "district",
    columns: "k.*",
    from: "districts k",
    key: "k.district_code",
    read: district,
    code: |district| district.registered.as_ref().map(|fact| fact.district_code.clone()).unwrap_or_default(),
};

/// Things of a page, how many there are on all pages, and the token of the next.
pub(crate) struct Listed<T> {
    /// Things of the page.
    pub things: Vec<T>,
    /// How many on all pages.
    pub total: i64,
    /// Token of the next page.
    pub next_page_token: String,
}

async fn list<T>(
    cut: &Cut<'_>,
    kind: &Kind<T>,
    mut query: Query,
    mut conditions: Vec<String>,
    page: &Page,
    include_retired: bool,
) -> Result<Listed<T>, Error> {
    let from = format!("{} {}", kind.from, standing(kind, &query.bind(today(cut)?.0)));
    conditions.push(if include_retired { "true".into() } else { "r.code IS NULL AND mg.code IS NULL".into() });
    query.sql = format!("SELECT count(*) FROM {from} WHERE {}", conditions.join(" AND "));
    let total = cut.query(&query).await?.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
    let keys = [(kind.key, "text")];
    if let Some(after) = page.after(keys.len())? {
        conditions.push(beyond(&mut query, &keys, after, false));
    }
    let limit = query.bind(page.size + 1);
    query.sql = format!(
        "SELECT {}, {STANDING} FROM {from} WHERE {} ORDER BY {} LIMIT {limit}",
        kind.columns,
        conditions.join(" AND "),
        kind.key
    );
    let mut things = cut.query(&query).await?.iter().map(kind.read).collect::<Result<Vec<_>, _>>()?;
    let next_page_token = page.cut(&mut things, |thing| vec![(kind.code)(thing)]);
    Ok(Listed { things, total, next_page_token })
}

async fn get<T>(cut: &Cut<'_>, kind: &Kind<T>, what: &'static str, code: &str) -> Result<T, Error> {
    let standing = standing(kind, "$2");
    let sql = format!("SELECT {}, {STANDING} FROM {} {standing} WHERE {} = $1", kind.columns, kind.from, kind.key);
    let rows = cut.rows(&sql, &[&code, &today(cut)?.0]).await?;
    match rows.first() {
        Some(row) => (kind.read)(row),
        None => Err(Error::NotFound { what, name: code.to_owned(), hint: "see RegistryService.Find" }),
    }
}

/// What has become of a thing, as columns and as joins.
const STANDING: &str = "r.from_day AS retired_day, r.reason AS retired_reason, mg.survivor_code AS merged_into, n.numbers,
    ARRAY(SELECT d.code FROM merged d WHERE d.kind = mk.kind AND d.survivor_code = mk.code ORDER BY d.code) AS duplicates";

fn standing<T>(kind: &Kind<T>, today: &str) -> String {
    let (name, key) = (kind.name, kind.key);
    format!(
        "CROSS JOIN LATERAL (SELECT '{name}' AS kind, {key} AS code) AS mk
         LEFT JOIN {} AS r ON r.kind = '{name}' AND r.code = {key}
         LEFT JOIN merged mg ON mg.kind = '{name}' AND mg.code = {key}
         LEFT JOIN {} AS n ON n.kind = '{name}' AND n.code = {key}",
        retired(today),
        numbers(today)
    )
}

/// Things that are retired on a day.
pub(crate) fn retired(today: &str) -> String {
    format!(
        "(SELECT * FROM (SELECT DISTINCT ON (kind, code) kind, code, from_day, reason, is_retired FROM retirement_facts
                         WHERE from_day <= {today} ORDER BY kind, code, from_day DESC, sequence DESC, ordinal DESC) AS last
          WHERE is_retired)"
    )
}

/// Things with the numbers that name them on a day, those of their duplicates included.
fn numbers(today: &str) -> String {
    format!(
        "(SELECT f.kind, coalesce(d.survivor_code, f.code) AS code, array_agg(f.number ORDER BY f.number) AS numbers
          FROM (SELECT DISTINCT ON (kind, number) kind, number, code, is_attached FROM number_facts
                WHERE from_day <= {today} ORDER BY kind, number, from_day DESC, sequence DESC, ordinal DESC) AS f
          LEFT JOIN merged d ON d.kind = f.kind AND d.code = f.code
          WHERE f.is_attached GROUP BY 1, 2)"
    )
}

fn standing_of(row: &Row) -> Result<Option<proto::Standing>, Error> {
    Ok(Some(proto::Standing {
        retired_from_date: filter::date(row.try_get("retired_day")?),
        retired_reason: text(row, "retired_reason")?,
        merged_into_code: text(row, "merged_into")?,
        duplicate_codes: row.try_get("duplicates")?,
        numbers: row.try_get::<_, Option<Vec<String>>>("numbers")?.unwrap_or_default(),
    }))
}

/// The one code that a request names.
fn only(codes: Option<Vec<String>>) -> String {
    codes.and_then(|codes| codes.into_iter().next()).unwrap_or_default()
}

fn equal(query: &mut Query, conditions: &mut Vec<String>, column: &str, value: &str) {
    if !value.is_empty() {
        let bound = query.bind(value.to_owned());
        conditions.push(format!("{column} = {bound}"));
    }
}

/// Values of a filter that names at most one thing.
fn one(value: &String) -> &[String] {
    if value.is_empty() { &[] } else { std::slice::from_ref(value) }
}

/// Chains.
pub(crate) async fn chains(
    cut: &Cut<'_>,
    request: &proto::ListChainsRequest,
    page: &Page,
) -> Result<Listed<proto::Chain>, Error> {
    let (mut query, mut conditions) = (Query::default(), Vec::new());
    equal(&mut query, &mut conditions, "k.group_code", &request.group_code);
    equal(&mut query, &mut conditions, "k.district_code", &request.district_code);
    if let Some(product) = filter::products(cut, "product", one(&request.product)).await? {
        let bound = query.bind(product);
        conditions.push(format!(
            "k.chain_code IN (SELECT m.chain_code FROM memberships m
                              WHERE m.member_kind = 'product' AND m.member_code = ANY({bound}::text[]))"
        ));
    }
    list(cut, &CHAINS, query, conditions, page, request.include_retired).await
}

/// Organizations.
pub(crate) async fn organizations(
    cut: &Cut<'_>,
    request: &proto::ListOrganizationsRequest,
    page: &Page,
) -> Result<Listed<proto::Organization>, Error> {
    let (mut query, mut conditions) = (Query::default(), Vec::new());
    let kind = event::OrganizationKind::try_from(request.kind).map_err(|_| Error::Malformed {
        field: "kind",
        value: request.kind.to_string(),
        allowed: "kinds of organizations, 1 to 6; 0 for all".into(),
    })?;
    if kind != event::OrganizationKind::Unspecified {
        equal(&mut query, &mut conditions, "k.kind", &names::of_organization_kind(kind));
    }
    list(cut, &ORGANIZATIONS, query, conditions, page, request.include_retired).await
}

/// Sites.
pub(crate) async fn sites(cut: &Cut<'_>, request: &proto::ListSitesRequest, page: &Page) -> Result<Listed<proto::Site>, Error> {
    let (mut query, mut conditions) = (Query::default(), Vec::new());
    if let Some(kinds) = filter::channels("kinds", &request.kinds)? {
        let bound = query.bind(kinds);
        conditions.push(format!("k.kind = ANY({bound}::text[])"));
    }
    equal(&mut query, &mut conditions, "k.district_code", &request.district_code);
    if !request.organization_code.is_empty() {
        // Who runs it may be known by a code that was merged since.
        let bound = query.bind(request.organization_code.clone());
        let survivor = |code: &str| {
            format!("coalesce((SELECT survivor_code FROM merged WHERE kind = 'organization' AND code = {code}), {code})")
        };
        conditions.push(format!("{} = {}", survivor("k.organization_code"), survivor(&bound)));
    }
    if let Some(chain) = filter::chains(cut, "chain_code", one(&request.chain_code)).await? {
        let bound = query.bind(chain);
        conditions.push(member_of("site", "k.site_code", &bound));
    }
    list(cut, &SITES, query, conditions, page, request.include_retired).await
}

/// Product kinds.
pub(crate) async fn products(
    cut: &Cut<'_>,
    request: &proto::ListProductsRequest,
    page: &Page,
) -> Result<Listed<proto::Product>, Error> {
    let (mut query, mut conditions) = (Query::default(), Vec::new());
    equal(&mut query, &mut conditions, "k.group_code", &request.group_code);
    if let Some(chain) = filter::chains(cut, "chain_code", one(&request.chain_code)).await? {
        let bound = query.bind(chain);
        conditions.push(member_of("product", "k.product_code", &bound));
    }
    list(cut, &PRODUCTS, query, conditions, page, request.include_retired).await
}

/// Administrative units.
pub(crate) async fn districts(cut: &Cut<'_>, page: &Page) -> Result<Listed<proto::District>, Error> {
    list(cut, &DISTRICTS, Query::default(), Vec::new(), page, true).await
}

fn member_of(kind: &str, code: &str, chains: &str) -> String {
    format!(
        "{code} IN (SELECT coalesce(d.survivor_code, m.member_code) FROM memberships m
                    LEFT JOIN merged d ON d.kind = m.member_kind AND d.code = m.member_code
                    WHERE m.member_kind = '{kind}' AND m.chain_code = ANY({chains}::text[]))"
    )
}

/// A chain with its members.
pub(crate) async fn get_chain(cut: &Cut<'_>, code: &str) -> Result<(proto::Chain, Vec<proto::ChainMember>), Error> {
    let code = only(filter::chains(cut, "chain_code", &[code.to_owned()]).await?);
    let chain = get(cut, &CHAINS, "chain", &code).await?;
    let sql =
        "SELECT m.member_kind, m.member_code, m.from_day, m.is_primary, coalesce(s.name, p.name, '') AS name FROM memberships m
               LEFT JOIN sites s ON m.member_kind = 'site' AND s.site_code = m.member_code
               LEFT JOIN products p ON m.member_kind = 'product' AND p.product_code = m.member_code
               WHERE m.chain_code = $1 ORDER BY m.member_kind = 'product', m.member_code";
    let member = |row: &Row| {
        let (kind, code): (String, String) = (row.try_get("member_kind")?, row.try_get("member_code")?);
        let (site_code, product_code) = if kind == "site" { (code, String::new()) } else { (String::new(), code) };
        Ok(proto::ChainMember {
            site_code,
            product_code,
            name: row.try_get("name")?,
            from_date: from_date(row)?,
            is_primary: row.try_get("is_primary")?,
        })
    };
    let members = cut.rows(sql, &[&code]).await?.iter().map(member).collect::<Result<_, Error>>()?;
    Ok((chain, members))
}

/// An organization, by code or GLN.
pub(crate) async fn get_organization(cut: &Cut<'_>, name: &str) -> Result<proto::Organization, Error> {
    let code = only(filter::organizations(cut, "organization", &[name.to_owned()]).await?);
    get(cut, &ORGANIZATIONS, "organization", &code).await
}

/// A site, by code or GLN.
pub(crate) async fn get_site(cut: &Cut<'_>, name: &str) -> Result<proto::Site, Error> {
    let code = only(filter::sites(cut, "site", &[name.to_owned()]).await?);
    get(cut, &SITES, "site", &code).await
}

/// A product kind, by code or GTIN.
pub(crate) async fn get_product(cut: &Cut<'_>, name: &str) -> Result<proto::Product, Error> {
    let code = only(filter::products(cut, "product", &[name.to_owned()]).await?);
    get(cut, &PRODUCTS, "product", &code).await
}

/// An administrative unit.
pub(crate) async fn get_district(cut: &Cut<'_>, name: &str) -> Result<proto::District, Error> {
    let code = only(filter::districts(cut, "district_code", &[name.to_owned()]).await?);
    get(cut, &DISTRICTS, "district", &code).await
}

fn text(row: &Row, name: &str) -> Result<String, Error> {
    Ok(row.try_get::<_, Option<String>>(name)?.unwrap_or_default())
}

fn from_date(row: &Row) -> Result<String, Error> {
    let day: i32 = row.try_get("from_day")?;
    Ok(filter::date((day != EVER.0).then_some(day)))
}

fn number(row: &Row, name: &str) -> Result<u32, Error> {
    Ok(row.try_get::<_, i32>(name)?.try_into().unwrap_or(0))
}

fn registered_chain(row: &Row) -> Result<event::ChainRegistered, Error> {
    Ok(event::ChainRegistered {
        chain_code: text(row, "chain_code")?,
        name: text(row, "name")?,
        lead_organization_code: text(row, "lead_organization_code")?,
        district_code: text(row, "district_code")?,
        group_code: text(row, "group_code")?,
        share_supermarket_percent: number(row, "share_supermarket_percent")?,
        share_general_percent: number(row, "share_general_percent")?,
        share_specialty_percent: number(row, "share_specialty_percent")?,
    })
}

fn chain(row: &Row) -> Result<proto::Chain, Error> {
    Ok(proto::Chain {
        registered: Some(registered_chain(row)?),
        from_date: from_date(row)?,
        lead_organization_name: text(row, "lead_name")?,
        district_name: text(row, "district_name")?,
        capacity_per_day_milli: row.try_get("quantity_per_day_milli")?,
        capacity_unit: text(row, "unit")?,
        capacity_from_date: filter::date(row.try_get("capacity_from_day")?),
        sites: row.try_get("sites")?,
        products: row.try_get("products")?,
        standing: standing_of(row)?,
    })
}

fn registered_organization(row: &Row) -> Result<event::OrganizationRegistered, Error> {
    Ok(event::OrganizationRegistered {
        organization_code: text(row, "organization_code")?,
        name: text(row, "name")?,
        kind: names::organization_kind(row.try_get("kind")?).into(),
        gln: text(row, "gln")?,
    })
}

fn organization(row: &Row) -> Result<proto::Organization, Error> {
    Ok(proto::Organization {
        registered: Some(registered_organization(row)?),
        from_date: from_date(row)?,
        sites: row.try_get("sites")?,
        standing: standing_of(row)?,
    })
}

fn registered_site(row: &Row) -> Result<event::SiteRegistered, Error> {
    Ok(event::SiteRegistered {
        site_code: text(row, "site_code")?,
        name: text(row, "name")?,
        kind: names::site_kind(row.try_get("kind")?).into(),
        organization_code: text(row, "organization_code")?,
        district_code: text(row, "district_code")?,
        gln: text(row, "gln")?,
        latitude_e6: row.try_get("latitude_e6")?,
        longitude_e6: row.try_get("longitude_e6")?,
    })
}

fn site(row: &Row) -> Result<proto::Site, Error> {
    Ok(proto::Site {
        registered: Some(registered_site(row)?),
        from_date: from_date(row)?,
        organization_name: text(row, "organization_name")?,
        district_name: text(row, "district_name")?,
        chain_codes: row.try_get("chain_codes")?,
        standing: standing_of(row)?,
    })
}

fn registered_product(row: &Row) -> Result<event::ProductRegistered, Error> {
    let units: serde_json::Value = row.try_get("market_units")?;
    let unit = |unit: &serde_json::Value| event::MarketUnit {
        name: unit.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned(),
        numerator: unit.get("numerator").and_then(|number| number.as_i64()).unwrap_or(0),
        denominator: unit.get("denominator").and_then(|number| number.as_i64()).unwrap_or(0),
    };
    Ok(event::ProductRegistered {
        product_code: text(row, "product_code")?,
        name: text(row, "name")?,
        name_en: text(row, "name_en")?,
        group_code: text(row, "group_code")?,
        ocop_group: number(row, "ocop_group")?,
        base_unit: text(row, "base_unit")?,
        indivisible: row.try_get("indivisible")?,
        mass_gram: row.try_get("mass_gram")?,
        pieces: row.try_get("pieces")?,
        content_milli: row.try_get("content_milli")?,
        content_unit: text(row, "content_unit")?,
        content_kind: text(row, "content_kind")?,
        shelf_life_days: number(row, "shelf_life_days")?,
        temperature_min_celsius: row.try_get("temperature_min_celsius")?,
        temperature_max_celsius: row.try_get("temperature_max_celsius")?,
        gtin: text(row, "gtin")?,
        brand_owner_code: text(row, "brand_owner_code")?,
        market_units: units.as_array().into_iter().flatten().map(unit).collect(),
    })
}

fn product(row: &Row) -> Result<proto::Product, Error> {
    Ok(proto::Product {
        registered: Some(registered_product(row)?),
        from_date: from_date(row)?,
        chain_codes: row.try_get("chain_codes")?,
        standing: standing_of(row)?,
    })
}

fn district(row: &Row) -> Result<proto::District, Error> {
    Ok(proto::District {
        registered: Some(event::DistrictRegistered {
            district_code: text(row, "district_code")?,
            name: text(row, "name")?,
            kind: text(row, "kind")?,
            ends_day: row.try_get("ends_day")?,
        }),
        from_date: from_date(row)?,
    })
}

/// What is searched: each kind with its table, code and alias.
const SEARCHED: [(RegistryKind, &str, &str, &str); 5] = [
    (RegistryKind::Chain, "chains", "chain_code", "NULL::text"),
    (RegistryKind::Site, "sites", "site_code", "coalesce(v.gln, t.gln)"),
    (RegistryKind::Product, "products", "product_code", "coalesce(v.gtin, t.gtin)"),
    (RegistryKind::Organization, "organizations", "organization_code", "coalesce(v.gln, t.gln)"),
    (RegistryKind::District, "districts", "district_code", "NULL::text"),
];

/// Bytes of a query at most.
const MOST_QUERY: usize = 200;

/// Finds by words. Each word of the query must begin a word of the thing, marks aside.
pub(crate) async fn find(cut: &Cut<'_>, request: &proto::FindRequest) -> Result<(Vec<proto::Found>, i64), Error> {
    let limit: i64 = match request.page_size {
        0 => 20,
        size @ 1..=200 => size.into(),
        size => {
            return Err(Error::Malformed { field: "page_size", value: size.to_string(), allowed: "1 to 200; 0 for 20".into() });
        }
    };
    let words = query_words(&request.query);
    if words.is_empty() || request.query.len() > MOST_QUERY {
        return Err(Error::Malformed {
            field: "query",
            value: request.query.chars().take(MOST_QUERY).collect(),
            allowed: format!("words with a letter or digit, {MOST_QUERY} bytes at most"),
        });
    }
    let mut kinds = BTreeMap::new();
    for number in &request.kinds {
        match RegistryKind::try_from(*number) {
            Ok(kind) if kind != RegistryKind::Unspecified => kinds.insert(*number, kind),
            _ => return Err(Error::Malformed { field: "kinds", value: number.to_string(), allowed: "kinds, 1 to 5".into() }),
        };
    }
    let tables = SEARCHED.iter().filter(|(kind, ..)| kinds.is_empty() || kinds.contains_key(&(*kind as i32)));
    let tables: Vec<_> = tables
        .map(|(kind, table, code, alias)| {
            let name = code.trim_end_matches("_code");
            format!(
                "SELECT {} AS kind, t.{code} AS found_code, coalesce(v.{code}, t.{code}) AS code, coalesce(v.name, t.name) AS name,
                        {alias} AS alias, t.words_written || coalesce(n.words, '') AS words_written,
                        t.words_folded || coalesce(n.words, '') AS words_folded, r.from_day AS retired_day
                 FROM {table} t LEFT JOIN merged mg ON mg.kind = '{name}' AND mg.code = t.{code}
                 LEFT JOIN {table} v ON v.{code} = mg.survivor_code
                 LEFT JOIN (SELECT kind, code, array_to_string(numbers, ' ') || ' ' AS words FROM {} AS held) AS n
                     ON n.kind = '{name}' AND n.code = t.{code}
                 LEFT JOIN {} AS r ON r.kind = '{name}' AND r.code = coalesce(v.{code}, t.{code})",
                *kind as i32,
                numbers("$4"),
                retired("$4"),
            )
        })
        .collect();
    // A word is letters and digits alone, so that none of it means anything in a pattern.
    let (written, folded): (Vec<String>, Vec<String>) = words.into_iter().unzip();
    let sql = format!(
        "SELECT f.*, count(*) OVER () AS total FROM (
             SELECT DISTINCT ON (k.kind, k.code) k.*, h.written = cardinality($1::text[]) AS exact, h.written, h.whole_written, h.whole
             FROM ({}) AS k CROSS JOIN LATERAL (
                 SELECT bool_and(k.words_folded LIKE '% ' || w.folded || '%') AS fits,
                        count(*) FILTER (WHERE k.words_written LIKE '% ' || w.written || '%') AS written,
                        count(*) FILTER (WHERE k.words_written LIKE '% ' || w.written || ' %') AS whole_written,
                        count(*) FILTER (WHERE k.words_folded LIKE '% ' || w.folded || ' %') AS whole
                 FROM unnest($1::text[], $2::text[]) AS w (written, folded)
             ) AS h WHERE h.fits AND ($5 OR k.retired_day IS NULL)
             ORDER BY k.kind, k.code, h.written DESC, h.whole_written DESC, h.whole DESC, k.found_code <> k.code, k.found_code
         ) AS f
         ORDER BY written DESC, whole_written DESC, whole DESC, length(name), kind, code LIMIT $3",
        tables.join(" UNION ALL ")
    );
    let rows = cut.rows(&sql, &[&written, &folded, &limit, &today(cut)?.0, &request.include_retired]).await?;
    let total = rows.first().map(|row| row.try_get("total")).transpose()?.unwrap_or(0);
    let found = |row: &Row| {
        let (code, found_code) = (text(row, "code")?, text(row, "found_code")?);
        Ok(proto::Found {
            kind: row.try_get("kind")?,
            found_as_code: if found_code == code { String::new() } else { found_code },
            retired_from_date: filter::date(row.try_get("retired_day")?),
            code,
            name: text(row, "name")?,
            alias: text(row, "alias")?,
            exact: row.try_get("exact")?,
        })
    };
    Ok((rows.iter().map(found).collect::<Result<_, Error>>()?, total))
}

/// All that was said of a thing, under any of its codes.
pub(crate) async fn history(
    cut: &Cut<'_>,
    request: &proto::GetHistoryRequest,
) -> Result<(String, Vec<proto::HistoricFact>), Error> {
    use proto::historic_fact::Fact;
    let given = std::slice::from_ref(&request.code);
    type Read = fn(&Row) -> Result<Fact, Error>;
    let (kind, codes, read): (&str, _, Read) = match RegistryKind::try_from(request.kind) {
        Ok(RegistryKind::Organization) => ("organization", filter::organizations(cut, "code", given).await?, |row| {
            registered_organization(row).map(Fact::Organization)
        }),
        Ok(RegistryKind::Site) => ("site", filter::sites(cut, "code", given).await?, |row| registered_site(row).map(Fact::Site)),
        Ok(RegistryKind::Product) => {
            ("product", filter::products(cut, "code", given).await?, |row| registered_product(row).map(Fact::Product))
        }
        Ok(RegistryKind::Chain) => {
            ("chain", filter::chains(cut, "code", given).await?, |row| registered_chain(row).map(Fact::Chain))
        }
        _ => {
            let allowed = "chain 1, site 2, product 3 or organization 4".into();
            return Err(Error::Malformed { field: "kind", value: request.kind.to_string(), allowed });
        }
    };
    let codes = codes.unwrap_or_default();
    let mut facts: Vec<((i32, i64, i32), Fact)> = Vec::new();
    let at = |row: &Row| Ok::<_, Error>((row.try_get("from_day")?, row.try_get("sequence")?, row.try_get("ordinal")?));
    let registered = format!("SELECT * FROM {kind}_facts WHERE {kind}_code = ANY($1)");
    for row in cut.rows(&registered, &[&codes]).await? {
        facts.push((at(&row)?, read(&row)?));
    }
    let retired = "SELECT * FROM retirement_facts WHERE kind = $1 AND code = ANY($2)";
    for row in cut.rows(retired, &[&kind, &codes]).await? {
        let (thing, reason) = (thing(kind, text(&row, "code")?), text(&row, "reason")?);
        let fact = if row.try_get("is_retired")? {
            Fact::Retired(event::Retired { thing, reason })
        } else {
            Fact::Reinstated(event::Reinstated { thing, reason })
        };
        facts.push((at(&row)?, fact));
    }
    // Numbers that it was registered with are said there; one that moved away is told on both sides.
    let numbers = format!(
        "SELECT * FROM number_facts n WHERE kind = $1 AND (code = ANY($2) OR moved_from_code = ANY($2)) {}",
        if kind == "chain" {
            ""
        } else {
            "AND NOT EXISTS (SELECT FROM {kind}_facts f WHERE (f.sequence, f.ordinal) = (n.sequence, n.ordinal))"
        }
    )
    .replace("{kind}", kind);
    for row in cut.rows(&numbers, &[&kind, &codes]).await? {
        let (thing, number) = (thing(kind, text(&row, "code")?), text(&row, "number")?);
        let fact = if row.try_get("is_attached")? {
            let (brand_owner_code, moved_from_code) = (text(&row, "brand_owner_code")?, text(&row, "moved_from_code")?);
            Fact::NumberAttached(event::NumberAttached { thing, number, brand_owner_code, moved_from_code })
        } else {
            Fact::NumberDetached(event::NumberDetached { thing, number })
        };
        facts.push((at(&row)?, fact));
    }
    let merged = "SELECT * FROM merge_facts WHERE kind = $1 AND (duplicate_code = ANY($2) OR survivor_code = ANY($2))";
    for row in cut.rows(merged, &[&kind, &codes]).await? {
        let fact = Fact::DuplicateMerged(event::DuplicateMerged {
            duplicate: thing(kind, text(&row, "duplicate_code")?),
            survivor: thing(kind, text(&row, "survivor_code")?),
            reason: text(&row, "reason")?,
        });
        facts.push((at(&row)?, fact));
    }
    facts.sort_by_key(|(at, _)| *at);
    let told = facts.into_iter().map(|((from, sequence, _), fact)| proto::HistoricFact {
        from_date: filter::date((from != EVER.0).then_some(from)),
        position: position(&cut.checkpoint, sequence.unsigned_abs()),
        fact: Some(fact),
    });
    Ok((codes.first().cloned().unwrap_or_default(), told.collect()))
}

fn thing(kind: &str, code: String) -> Option<event::RegisteredThing> {
    use event::registered_thing::Thing;
    let thing = match kind {
        "organization" => Thing::OrganizationCode(code),
        "site" => Thing::SiteCode(code),
        "product" => Thing::ProductCode(code),
        _ => Thing::ChainCode(code),
    };
    Some(event::RegisteredThing { thing: Some(thing) })
}
