//! Reads stock: rows and sums under any combination of keys. A question that no lot has a part in is answered from the totals by
//! site, chain and product.

use super::as_of::AsOf;
use crate::page::Page;
use crate::read::{Cut, Query, beyond};
use crate::{Error, filter, names};
use domain::time::Calendar;
use std::collections::BTreeSet;
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::stock::v1 as proto;
use wire::proto::chuoi::stock::v1::StockKey;

/// Which stock, resolved to codes.
pub(crate) struct Filter {
    sites: Option<Vec<String>>,
    lots: Option<Vec<Uuid>>,
    products: Option<Vec<String>>,
    chains: Option<Vec<String>>,
    channels: Option<Vec<String>>,
    districts: Option<Vec<String>>,
    /// Lots by id or code, known or not.
    named_lots: Option<Vec<String>>,
}

impl Filter {
    /// Resolves the filter of a watch, whose lots may be named before they are known.
    pub async fn of_watch(cut: &Cut<'_>, filter: Option<&proto::StockFilter>) -> Result<Filter, Error> {
        let mut filter = filter.cloned().unwrap_or_default();
        let named_lots = filter::lot_names("filter.lots", &std::mem::take(&mut filter.lots))?;
        Ok(Filter { named_lots, ..Filter::read(cut, Some(&filter)).await? })
    }

    /// Resolves a request's filter.
    pub async fn read(cut: &Cut<'_>, filter: Option<&proto::StockFilter>) -> Result<Filter, Error> {
        let none = proto::StockFilter::default();
        let filter = filter.unwrap_or(&none);
        Ok(Filter {
            sites: filter::sites(cut, "filter.sites", &filter.sites).await?,
            lots: filter::lots(cut, "filter.lots", &filter.lots).await?,
            products: filter::products(cut, "filter.products", &filter.products).await?,
            chains: filter::chains(cut, "filter.chains", &filter.chains).await?,
            channels: filter::channels("filter.channels", &filter.channels)?,
            districts: filter::districts(cut, "filter.districts", &filter.districts).await?,
            named_lots: None,
        })
    }

    /// Whether it names places or goods, and not only a chain or nothing.
    pub fn is_narrow(&self) -> bool {
        let named = [&self.sites, &self.products, &self.channels, &self.districts].into_iter().any(Option::is_some);
        named || self.lots.is_some()
    }

    /// Conditions over rows of a site and a lot, before anything is joined to them.
    pub fn on_places(&self, query: &mut Query, site: &str, lot: &str) -> String {
        let mut conditions = vec!["true".to_owned()];
        if let Some(sites) = &self.sites {
            conditions.push(format!("{site} = ANY({}::text[])", query.bind(sites.clone())));
        }
        if let Some(lots) = &self.lots {
            conditions.push(format!("{lot} = ANY({}::uuid[])", query.bind(lots.clone())));
        }
        for (of, table, column, values) in [
            (site, "sites WHERE site_code", "kind", &self.channels),
            (site, "sites WHERE site_code", "district_code", &self.districts),
            (lot, "lots WHERE lot_id", "product_code", &self.products),
            (lot, "lots WHERE lot_id", "chain_code", &self.chains),
        ] {
            if let Some(values) = values {
                let bound = query.bind(values.clone());
                conditions.push(format!("EXISTS (SELECT FROM {table} = {of} AND {column} = ANY({bound}::text[]))"));
            }
        }
        conditions.join(" AND ")
    }

    /// Whether its conditions are over sites too.
    pub fn asks_sites(&self) -> bool {
        self.channels.is_some() || self.districts.is_some()
    }

    /// Conditions over `k` (lot rows or totals, both with site, lot, chain and product as far as they have them) and `s` (sites).
    pub fn conditions(&self, query: &mut Query) -> Vec<String> {
        let mut conditions = Vec::new();
        for (column, values) in [
            ("k.site_code", &self.sites),
            ("k.product_code", &self.products),
            ("k.chain_code", &self.chains),
            ("s.kind", &self.channels),
            ("s.district_code", &self.districts),
        ] {
            if let Some(values) = values {
                let bound = query.bind(values.clone());
                conditions.push(format!("{column} = ANY({bound}::text[])"));
            }
        }
        if let Some(lots) = &self.lots {
            let bound = query.bind(lots.clone());
            conditions.push(format!("k.lot_id = ANY({bound}::uuid[])"));
        }
        if let Some(names) = &self.named_lots {
            let bound = query.bind(names.clone());
            conditions.push(format!("(k.lot_id::text = ANY({bound}::text[]) OR k.lot_code = ANY({bound}::text[]))"));
        }
        conditions
    }
}

/// Rows by lot, with what the lot says.
pub(crate) const BY_LOT: &str =
    "(SELECT stock.site_code, stock.lot_id, stock.quantity_milli, lots.product_code, lots.chain_code, lots.expiry_day
                       FROM stock JOIN lots USING (lot_id))";
pub(crate) const TOTALS: &str = "stock_totals";

/// Expressions that sum what is under one combination of keys. A mass that is not known counts beside the estimate.
const SUMS: &str = "sum(k.quantity_milli)::bigint AS quantity_milli,
    div(sum(k.quantity_milli::numeric * coalesce(p.mass_gram, 0)), 1000)::bigint AS mass_gram,
    coalesce(sum(k.quantity_milli) FILTER (WHERE coalesce(p.mass_gram, 0) = 0), 0)::bigint AS unknown_milli";

/// The same, with the mass as it is summed further: it is rounded once.
const PARTS: &str = "sum(k.quantity_milli)::bigint AS quantity_milli,
    sum(k.quantity_milli::numeric * coalesce(p.mass_gram, 0)) AS mass_milligram,
    coalesce(sum(k.quantity_milli) FILTER (WHERE coalesce(p.mass_gram, 0) = 0), 0)::bigint AS unknown_milli";

/// What stands under the code of a duplicate counts under the survivor's. Where there is no duplicate, a page is read along an index
/// instead of sorted out of all rows.
struct Codes {
    has_merged: bool,
    site: &'static str,
    product: &'static str,
}

impl Codes {
    fn of(cut: &Cut<'_>) -> Codes {
        if cut.has_merged {
            let (site, product) = ("coalesce(ms.survivor_code, k.site_code)", "coalesce(mp.survivor_code, k.product_code)");
            Codes { has_merged: true, site, product }
        } else {
            Codes { has_merged: false, site: "k.site_code", product: "k.product_code" }
        }
    }

    /// The keys in their fixed order, with the column of each.
    fn keys(&self) -> [(StockKey, &'static str, &'static str); 6] {
        [
            (StockKey::Site, self.site, "site_code"),
            (StockKey::Chain, "k.chain_code", "chain_code"),
            (StockKey::Product, self.product, "product_code"),
            (StockKey::Lot, "k.lot_id", "lot_id"),
            (StockKey::Channel, "coalesce(s.kind, '')", "kind"),
            (StockKey::District, "coalesce(s.district_code, '')", "district_code"),
        ]
    }

    /// What the keys and sums of a row `k` need beside it: its product `p`, and its site `s` where that is asked for.
    fn joins(&self, with_sites: bool) -> String {
        let Codes { has_merged, site, product } = self;
        let merged = if *has_merged {
            "LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = k.site_code
             LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = k.product_code"
        } else {
            ""
        };
        let sites = if with_sites { format!("LEFT JOIN sites s ON s.site_code = {site}") } else { String::new() };
        format!("{merged} LEFT JOIN products p ON p.product_code = {product} {sites}")
    }

    fn from(&self, source: &str, conditions: &[String], with_sites: bool) -> String {
        let all = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        format!("FROM {source} AS k {} WHERE {all}", self.joins(with_sites))
    }
}

const UNIT: &str = "coalesce(p.base_unit, '')";

/// A page of rows and the sums over all of them.
pub(crate) async fn stock(
    cut: &Cut<'_>,
    request: &proto::QueryStockRequest,
    page: &Page,
) -> Result<proto::QueryStockResponse, Error> {
    let filter = Filter::read(cut, request.filter.as_ref()).await?;
    let mut asked = BTreeSet::new();
    for number in &request.group_by {
        match StockKey::try_from(*number) {
            Ok(key) if key != StockKey::Unspecified => asked.insert(key as i32),
            _ => {
                return Err(Error::Malformed {
                    field: "group_by",
                    value: number.to_string(),
                    allowed: "keys of stock, 1 to 6".into(),
                });
            }
        };
    }
    let is_asked = |key: StockKey| asked.contains(&(key as i32));
    let as_of = AsOf::read(cut, request.as_of.as_ref())?;
    let by_lot = is_asked(StockKey::Lot) || filter.lots.is_some() || !as_of.is_now();
    let mut query = Query::default();
    let source = as_of.source(&mut query, &filter, by_lot);
    let mut conditions = filter.conditions(&mut query);
    let codes = Codes::of(cut);
    let mut keys: Vec<(&str, &str)> = Vec::new();
    let mut selected: Vec<String> = Vec::new();
    let mut grouped: Vec<&str> = Vec::new();
    for (key, column, name) in codes.keys() {
        if is_asked(key) {
            keys.push((column, if key == StockKey::Lot { "uuid" } else { "text" }));
            selected.push(format!("{column} AS {name}"));
            grouped.push(column);
        } else {
            // What comes with another key, since it follows from it.
            let follows = match key {
                StockKey::Chain | StockKey::Product => is_asked(StockKey::Lot),
                StockKey::Channel | StockKey::District => is_asked(StockKey::Site),
                StockKey::Site | StockKey::Lot | StockKey::Unspecified => false,
            };
            let empty = if key == StockKey::Lot { "null::uuid" } else { "''" };
            selected.push(if follows { format!("max({column}) AS {name}") } else { format!("{empty} AS {name}") });
        }
    }
    keys.push((UNIT, "text"));
    grouped.push(UNIT);
    if let Some(after) = page.after(keys.len())? {
        conditions.push(beyond(&mut query, &keys, after, false));
    }
    let lots = if by_lot { "count(DISTINCT k.lot_id)" } else { "0::bigint" };
    let limit = query.bind(page.size + 1);
    // Names of what was not asked for are looked up nowhere: each table costs more than the rows of a shop.
    let (mut named, mut tables) = (Vec::new(), Vec::new());
    for (is_named, table, key, columns) in [
        (is_asked(StockKey::Site), "sites s", "s.site_code = g.site_code", &["s.name AS site_name"][..]),
        (
            is_asked(StockKey::Site) || is_asked(StockKey::District),
            "districts d",
            "d.district_code = g.district_code",
            &["d.name AS district_name"],
        ),
        (
            is_asked(StockKey::Chain) || is_asked(StockKey::Lot),
            "chains c",
            "c.chain_code = g.chain_code",
            &["c.name AS chain_name"],
        ),
        (
            is_asked(StockKey::Product) || is_asked(StockKey::Lot),
            "products p",
            "p.product_code = g.product_code",
            &["p.name AS product_name"],
        ),
        (
            is_asked(StockKey::Lot),
            "lots l",
            "l.lot_id = g.lot_id",
            &["l.issuer_code AS issuer_code", "l.lot_code AS lot_code", "l.expiry_day AS expiry_day"],
        ),
    ] {
        if is_named {
            tables.push(format!("LEFT JOIN {table} ON {key}"));
        }
        named.extend(columns.iter().map(|column| match column.split_once(" AS ") {
            Some((_, name)) if !is_named && name == "expiry_day" => format!("null::integer AS {name}"),
            Some((_, name)) if !is_named => format!("null::text AS {name}"),
            _ => (*column).to_owned(),
        }));
    }
    let of_sites = filter.asks_sites() || [StockKey::Site, StockKey::Channel, StockKey::District].into_iter().any(is_asked);
    let from = codes.from(&source, &conditions, of_sites);
    let (selected, grouped, order) = (selected.join(", "), grouped.join(", "), order(&codes, &asked));
    // Of a few sites all rows are summed once, for the page and for what they come to; else a page is read along an index.
    let has_totals = page.is_first() && filter.sites.is_some();
    let (cut_off, of_page, all) = match has_totals {
        true => (
            String::new(),
            format!("ORDER BY {order} LIMIT {limit}"),
            format!("UNION ALL SELECT true, {}, unit, null, {} FROM g GROUP BY unit", ["null"; 13].join(", "), summed("sum")),
        ),
        false => (format!("ORDER BY {grouped} LIMIT {limit}"), String::new(), String::new()),
    };
    query.sql = format!(
        "WITH g AS (SELECT {selected}, {UNIT} AS unit, {lots} AS lots, {PARTS} {from} GROUP BY {grouped} {cut_off})
         SELECT false AS is_total, g.site_code, g.chain_code, g.product_code, g.lot_id, g.kind, g.district_code, {}, g.unit, g.lots, {}
         FROM (SELECT * FROM g {of_page}) AS g {} {all} ORDER BY is_total, {order}",
        named.join(", "),
        summed(""),
        tables.join(" "),
    );
    let doubtful = Doubtful::read(cut).await?;
    let (mut rows, mut totals) = (Vec::new(), Vec::new());
    for row in cut.query(&query).await? {
        match row.try_get("is_total")? {
            true => totals.push(total(&row)?),
            false => rows.push(self::row(&row, &doubtful)?),
        }
    }
    let next_page_token = page.cut(&mut rows, |row| {
        let mut values: Vec<String> =
            codes.keys().iter().filter(|(key, ..)| is_asked(*key)).map(|(key, ..)| value(row, *key)).collect();
        values.push(row.unit.clone());
        values
    });
    if page.is_first() && !has_totals {
        totals = self::totals(cut, &filter, &as_of, None).await?;
    }
    Ok(proto::QueryStockResponse { rows, totals, next_page_token, position: cut.position(), as_of: Some(as_of.answer(cut)) })
}

/// The sums of rows `g`, or what an aggregate makes of them.
fn summed(aggregate: &str) -> String {
    format!(
        "{aggregate}(g.quantity_milli)::bigint AS quantity_milli, div({aggregate}(g.mass_milligram), 1000)::bigint AS mass_gram,
         {aggregate}(g.unknown_milli)::bigint AS unknown_milli"
    )
}

/// Columns that order an answer.
fn order(codes: &Codes, asked: &BTreeSet<i32>) -> String {
    let keys = codes.keys().into_iter().filter(|(key, ..)| asked.contains(&(*key as i32))).map(|(_, _, name)| name);
    keys.chain(["unit"]).collect::<Vec<_>>().join(", ")
}

fn value(row: &proto::StockRow, key: StockKey) -> String {
    match key {
        StockKey::Unspecified => String::new(),
        StockKey::Site => row.site_code.clone(),
        StockKey::Lot => row.lot_id.clone(),
        StockKey::Product => row.product_code.clone(),
        StockKey::Chain => row.chain_code.clone(),
        // As in the table: an unknown site has no kind.
        StockKey::Channel if row.channel == 0 => String::new(),
        StockKey::Channel => names::of_site_kind(row.channel()),
        StockKey::District => row.district_code.clone(),
    }
}

fn row(row: &Row, doubtful: &Doubtful) -> Result<proto::StockRow, Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let mut stock = proto::StockRow {
        site_code: text("site_code")?,
        site_name: text("site_name")?,
        channel: names::site_kind(&text("kind")?).into(),
        district_code: text("district_code")?,
        district_name: text("district_name")?,
        chain_code: text("chain_code")?,
        chain_name: text("chain_name")?,
        product_code: text("product_code")?,
        product_name: text("product_name")?,
        lot_id: row.try_get::<_, Option<Uuid>>("lot_id")?.map(|id| id.to_string()).unwrap_or_default(),
        issuer_code: text("issuer_code")?,
        lot_code: text("lot_code")?,
        expiry_date: filter::date(row.try_get("expiry_day")?),
        unit: text("unit")?,
        quantity_milli: row.try_get("quantity_milli")?,
        estimated_mass_gram: row.try_get("mass_gram")?,
        unknown_mass_milli: row.try_get("unknown_milli")?,
        lots: row.try_get("lots")?,
        doubtful: false,
    };
    stock.doubtful = doubtful.concerns(&stock);
    Ok(stock)
}

/// Sums over everything that a filter takes, by unit.
async fn totals(
    cut: &Cut<'_>,
    filter: &Filter,
    as_of: &AsOf,
    expiring_before: Option<i32>,
) -> Result<Vec<proto::UnitTotal>, Error> {
    let mut query = Query::default();
    let source = as_of.source(&mut query, filter, filter.lots.is_some() || expiring_before.is_some());
    let mut conditions = filter.conditions(&mut query);
    if let Some(day) = expiring_before {
        let bound = query.bind(day);
        conditions.push(format!("k.expiry_day < {bound}"));
    }
    query.sql = format!(
        "SELECT {UNIT} AS unit, {SUMS} {} GROUP BY {UNIT} ORDER BY {UNIT}",
        Codes::of(cut).from(&source, &conditions, filter.asks_sites())
    );
    let rows = cut.query(&query).await?;
    rows.iter().map(total).collect()
}

/// A sum of one unit.
pub(crate) fn total(row: &Row) -> Result<proto::UnitTotal, Error> {
    Ok(proto::UnitTotal {
        unit: row.try_get("unit")?,
        quantity_milli: row.try_get("quantity_milli")?,
        estimated_mass_gram: row.try_get("mass_gram")?,
        unknown_mass_milli: row.try_get("unknown_milli")?,
    })
}

/// Lots on hand, first expired first.
pub(crate) async fn by_expiry(
    cut: &Cut<'_>,
    request: &proto::ListLotsByExpiryRequest,
    page: &Page,
) -> Result<proto::ListLotsByExpiryResponse, Error> {
    let filter = Filter::read(cut, request.filter.as_ref()).await?;
    // Lots that do not expire are no part of this; a day far away takes all that do.
    let before = filter::day("expiring_before_date", &request.expiring_before_date)?.map_or(i32::MAX, |day| day.0);
    let today = match filter::day("today_date", &request.today_date)? {
        Some(day) => day,
        None => today(cut)?,
    };
    let mut query = Query::default();
    let mut conditions = filter.conditions(&mut query);
    let bound = query.bind(before);
    conditions.push(format!("k.expiry_day < {bound}"));
    let codes = Codes::of(cut);
    let keys = [("k.expiry_day", "integer"), ("k.lot_id", "uuid"), (codes.site, "text")];
    if let Some(after) = page.after(keys.len())? {
        conditions.push(beyond(&mut query, &keys, after, false));
    }
    let limit = query.bind(page.size + 1);
    // Goods of one lot under both codes of a site are one row.
    query.sql = format!(
        "SELECT g.*, s.name AS site_name, s.kind, s.district_code, d.name AS district_name, c.name AS chain_name,
                p.name AS product_name, l.issuer_code, l.lot_code, 1::bigint AS lots
         FROM (SELECT {site} AS site_code, k.lot_id, k.expiry_day, k.chain_code, {product} AS product_code, {UNIT} AS unit, {SUMS}
               {from} GROUP BY k.expiry_day, k.lot_id, {site}, k.chain_code, {product}, {UNIT}
               ORDER BY k.expiry_day, k.lot_id, {site} LIMIT {limit}) AS g
         JOIN lots l ON l.lot_id = g.lot_id LEFT JOIN products p ON p.product_code = g.product_code
         LEFT JOIN sites s ON s.site_code = g.site_code LEFT JOIN districts d ON d.district_code = s.district_code
         LEFT JOIN chains c ON c.chain_code = g.chain_code
         ORDER BY g.expiry_day, g.lot_id, g.site_code",
        site = codes.site,
        product = codes.product,
        from = codes.from(BY_LOT, &conditions, true),
    );
    let doubtful = Doubtful::read(cut).await?;
    let mut lots = Vec::new();
    for row in cut.query(&query).await? {
        let expiry: i32 = row.try_get("expiry_day")?;
        let stock = self::row(&row, &doubtful)?;
        let days_left = expiry.saturating_sub(today.0).saturating_add(1);
        lots.push((expiry, proto::LotOnHand { stock: Some(stock), days_left }));
    }
    let next_page_token = page.cut(&mut lots, |(expiry, lot)| {
        let (lot_id, site) = lot.stock.as_ref().map(|stock| (stock.lot_id.clone(), stock.site_code.clone())).unwrap_or_default();
        vec![expiry.to_string(), lot_id, site]
    });
    let totals = if page.is_first() { totals(cut, &filter, &AsOf::default(), Some(before)).await? } else { Vec::new() };
    let lots = lots.into_iter().map(|(_, lot)| lot).collect();
    Ok(proto::ListLotsByExpiryResponse { lots, totals, next_page_token, position: cut.position() })
}

/// Business day of this moment.
pub(crate) fn today(cut: &Cut<'_>) -> Result<domain::time::BusinessDay, Error> {
    let calendar = Calendar::of(&cut.checkpoint.business_time_zone).map_err(|unknown| Error::Settings(unknown.to_string()))?;
    Ok(calendar.day(jiff::Timestamp::now()))
}

/// Lots, and where, that a parked command would have touched.
pub(crate) struct Doubtful(Vec<Suspect>);

/// Keys of flows; empty where they are not asked for.
#[derive(Default)]
pub(crate) struct Keys<'a> {
    /// Chain.
    pub chain: &'a str,
    /// Product.
    pub product: &'a str,
    /// Group of products.
    pub group: &'a str,
    /// Site.
    pub site: &'a str,
}

/// A lot that a parked command would have touched, and where.
pub(crate) struct Suspect {
    lot: String,
    /// Empty where it is not about a site.
    pub site: String,
    /// Chain of the lot.
    pub chain: String,
    /// Product of the lot.
    pub product: String,
    group: String,
    kind: String,
    district: String,
}

impl Doubtful {
    /// All of them: none, unless something is parked.
    pub async fn read(cut: &Cut<'_>) -> Result<Doubtful, Error> {
        if !cut.has_doubtful {
            return Ok(Doubtful(Vec::new()));
        }
        let sql =
            "SELECT d.lot_id::text, coalesce(ms.survivor_code, d.site_code), coalesce(l.chain_code, ''),
                          coalesce(mp.survivor_code, l.product_code, ''), coalesce(s.kind, ''), coalesce(s.district_code, ''),
                          coalesce(p.group_code, '')
                   FROM doubtful d LEFT JOIN lots l USING (lot_id) LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = d.site_code
                   LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = l.product_code
                   LEFT JOIN products p ON p.product_code = coalesce(mp.survivor_code, l.product_code)
                   LEFT JOIN sites s ON s.site_code = coalesce(ms.survivor_code, d.site_code)";
        let rows = cut.rows(sql, &[]).await?;
        let suspect = |row: &Row| {
            Ok(Suspect {
                lot: row.try_get(0)?,
                site: row.try_get(1)?,
                chain: row.try_get(2)?,
                product: row.try_get(3)?,
                kind: row.try_get(4)?,
                district: row.try_get(5)?,
                group: row.try_get(6)?,
            })
        };
        Ok(Doubtful(rows.iter().map(suspect).collect::<Result<_, Error>>()?))
    }

    /// Those that fit.
    pub fn only(mut self, fits: impl Fn(&Suspect) -> bool) -> Doubtful {
        self.0.retain(fits);
        self
    }

    /// Whether one of them has a part in flows of these keys. Where goods go to is not known of what is parked: channel and
    /// district do not clear a row.
    pub fn touch(&self, keys: &Keys<'_>) -> bool {
        let fits = |asked: &str, is: &str| asked.is_empty() || asked == is;
        self.0.iter().any(|suspect| {
            fits(keys.chain, &suspect.chain)
                && fits(keys.product, &suspect.product)
                && fits(keys.group, &suspect.group)
                && fits(keys.site, &suspect.site)
        })
    }

    /// Whether a lot is among them.
    pub fn lot(&self, lot: &str) -> bool {
        self.0.iter().any(|suspect| suspect.lot == lot)
    }

    /// Whether a row may be wrong: one of them has a part in it.
    pub fn concerns(&self, row: &proto::StockRow) -> bool {
        let fits = |asked: &str, is: &str| asked.is_empty() || asked == is;
        let kind = if row.channel == 0 { String::new() } else { names::of_site_kind(row.channel()) };
        self.0.iter().any(|suspect| {
            fits(&row.lot_id, &suspect.lot)
                && fits(&row.site_code, &suspect.site)
                && fits(&row.chain_code, &suspect.chain)
                && fits(&row.product_code, &suspect.product)
                && fits(&kind, &suspect.kind)
                && fits(&row.district_code, &suspect.district)
        })
    }
}
