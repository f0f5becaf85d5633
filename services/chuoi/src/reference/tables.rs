//! The tables as they are written: read, and checked row by row. An error says file, line, column, value and what is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use csv::StringRecord;
use domain::event::programme::ProgrammeMeasure;
use domain::event::registry::SiteKind;
use domain::id::{OrganizationCode, SiteCode, is_gs1_key};
use domain::unit::BaseUnit;
use jiff::civil::Date;

const DISTRICTS: &str = "districts.csv";
const CHAINS: &str = "chains.csv";
const SITES: &str = "sites.csv";
const PRODUCTS: &str = "product-kinds.csv";
const CHAIN_PRODUCTS: &str = "chain-products.csv";
const TARGETS: &str = "targets.csv";

/// Why tables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file cannot be read.
    #[error("{} cannot be read ({source}); a registry is a folder with {DISTRICTS}, {CHAINS}, {SITES}, {PRODUCTS} and {CHAIN_PRODUCTS}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not a table.
    #[error("{file}: {source}")]
    NotATable {
        /// The file.
        file: &'static str,
        /// Why, with the line.
        source: csv::Error,
    },
    /// A column is missing.
    #[error("{file}: the header line has no column {column:?}; it has {columns}")]
    NoColumn {
        /// The file.
        file: &'static str,
        /// The column that is missing.
        column: &'static str,
        /// The columns that are there.
        columns: String,
    },
    /// A value cannot be what its column says.
    #[error("{file}, line {line}, column {column}: {value:?} is not allowed; allowed is {allowed}")]
    BadValue {
        /// The file.
        file: &'static str,
        /// Its line, the header being the first.
        line: u64,
        /// The column.
        column: &'static str,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

/// An administrative unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct District {
    /// Code of the General Statistics Office.
    pub code: String,
    /// Name.
    pub name: String,
    /// quận, huyện or thị xã.
    pub kind: String,
    /// First day on which it is no more.
    pub ends: Option<Date>,
}

/// A chain with its lead and its declared capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Code, for example CH001.
    pub code: String,
    /// Name.
    pub name: String,
    /// Name of the cooperative that leads it.
    pub lead_name: String,
    /// Its Global Location Number; may be empty.
    pub lead_gln: String,
    /// District of its lead.
    pub district: String,
    /// Product group that it deals in.
    pub group: String,
    /// Planned shares of supermarkets, general stores and specialty stores, in percent.
    pub share_percent: [u32; 3],
    /// Declared capacity a day, in thousandths of its unit.
    pub capacity_milli: i64,
    /// KGM or H87.
    pub capacity_unit: BaseUnit,
}

/// A place that can hold stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Code, for example SM001.
    pub code: String,
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: SiteKind,
    /// District that it lies in.
    pub district: String,
    /// Global Location Number; may be empty.
    pub gln: String,
    /// Latitude in millionths of a degree.
    pub latitude_e6: i32,
    /// Longitude in millionths of a degree.
    pub longitude_e6: i32,
    /// The chain that it belongs to; none if it serves every chain.
    pub chain: Option<String>,
}

/// A product kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Code, for example PK0001.
    pub code: String,
    /// Vietnamese name.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Name without marks.
    pub name_ascii: String,
    /// Group, for example rau.
    pub group: String,
    /// OCOP group; 0 if none.
    pub ocop_group: u32,
    /// Unit in which stock is counted.
    pub base_unit: BaseUnit,
    /// Content of one base unit, in thousandths of its unit; 0 if sold loose.
    pub content_milli: i64,
    /// Unit of the content: GRM, MLT, H87, or empty.
    pub content_unit: String,
    /// fixed, nominal or loose.
    pub content_kind: String,
    /// Nominal mass of one base unit, in grams.
    pub mass_gram: i64,
    /// Days that it keeps; 0 if it does not expire.
    pub shelf_life_days: u32,
    /// Lowest storage temperature in degrees Celsius.
    pub temperature_min_celsius: Option<i32>,
    /// Highest storage temperature in degrees Celsius.
    pub temperature_max_celsius: Option<i32>,
    /// Global Trade Item Number; may be empty.
    pub gtin: String,
}

/// A chain supplies a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainProduct {
    /// The chain.
    pub chain: String,
    /// The product.
    pub product: String,
    /// Whether the chain is the product's first source.
    pub is_primary: bool,
}

/// What the programme aims at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What is counted.
    pub measure: ProgrammeMeasure,
    /// How many at least.
    pub value: i64,
    /// Day by which.
    pub due: Date,
    /// Plan or report that says so.
    pub source: String,
}

/// A whole registry, checked: what a row refers to stands in its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Administrative units.
    pub districts: Vec<District>,
    /// Chains.
    pub chains: Vec<Chain>,
    /// Sites.
    pub sites: Vec<Site>,
    /// Product kinds.
    pub products: Vec<Product>,
    /// Which chain supplies which product.
    pub chain_products: Vec<ChainProduct>,
    /// What the programme aims at; a folder may leave its table out.
    pub targets: Vec<Target>,
}

impl Tables {
    /// The tables of Hanoi that come with the program.
    pub fn embedded() -> Result<Tables, TableError> {
        Tables::read(|file| {
            Ok(match file {
                DISTRICTS => include_str!("../../data/districts.csv"),
                CHAINS => include_str!("../../data/chains.csv"),
                SITES => include_str!("../../data/sites.csv"),
                PRODUCTS => include_str!("../../data/product-kinds.csv"),
                TARGETS => include_str!("../../data/targets.csv"),
                _ => include_str!("../../data/chain-products.csv"),
            }
            .to_owned())
        })
    }

    /// The tables in a folder, in files of the same names and columns.
    pub fn from_folder(folder: &Path) -> Result<Tables, TableError> {
        Tables::read(|file| {
            let path = folder.join(file);
            match std::fs::read_to_string(&path) {
                Err(error) if file == TARGETS && error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
                read => read.map_err(|source| TableError::Unreadable { path, source }),
            }
        })
    }

    /// Tables from the text of each file.
    fn read(text: impl Fn(&'static str) -> Result<String, TableError>) -> Result<Tables, TableError> {
        let districts = rows(DISTRICTS, &text(DISTRICTS)?, district)?;
        let known = |codes: Vec<&String>| codes.into_iter().cloned().collect::<BTreeSet<String>>();
        let district_codes = known(districts.iter().map(|it| &it.code).collect());
        let chains = rows(CHAINS, &text(CHAINS)?, |row| chain(row, &district_codes))?;
        let chain_codes = known(chains.iter().map(|it| &it.code).collect());
        let sites = rows(SITES, &text(SITES)?, |row| site(row, &district_codes, &chain_codes))?;
        let products = rows(PRODUCTS, &text(PRODUCTS)?, product)?;
        let product_codes = known(products.iter().map(|it| &it.code).collect());
        let mut primary: BTreeMap<String, u64> = BTreeMap::new();
        let chain_products =
            rows(CHAIN_PRODUCTS, &text(CHAIN_PRODUCTS)?, |row| chain_product(row, &chain_codes, &product_codes, &mut primary))?;
        let targets = rows(TARGETS, &text(TARGETS)?, target)?;
        Ok(Tables { districts, chains, sites, products, chain_products, targets })
    }
}

/// One row of a table, with where it stands.
struct Row<'a> {
    file: &'static str,
    header: &'a StringRecord,
    record: &'a StringRecord,
    /// Codes of earlier rows.
    codes: &'a mut BTreeSet<String>,
}

fn rows<T>(
    file: &'static str,
    text: &str,
    mut read: impl FnMut(&mut Row<'_>) -> Result<T, TableError>,
) -> Result<Vec<T>, TableError> {
    let not_a_table = |source| TableError::NotATable { file, source };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(not_a_table)?.clone();
    let mut codes = BTreeSet::new();
    reader
        .records()
        .map(|record| {
            let record = record.map_err(not_a_table)?;
            read(&mut Row { file, header: &header, record: &record, codes: &mut codes })
        })
        .collect()
}

impl Row<'_> {
    fn text(&self, column: &'static str) -> Result<&str, TableError> {
        let at = self.header.iter().position(|name| name == column).ok_or_else(|| TableError::NoColumn {
            file: self.file,
            column,
            columns: self.header.iter().collect::<Vec<_>>().join(", "),
        })?;
        Ok(self.record.get(at).unwrap_or_default())
    }

    fn bad(&self, column: &'static str, value: &str, allowed: impl Into<String>) -> TableError {
        TableError::BadValue {
            file: self.file,
            line: self.record.position().map_or(0, csv::Position::line),
            column,
            value: value.to_owned(),
            allowed: allowed.into(),
        }
    }

    fn read<T>(&self, column: &'static str, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, TableError> {
        let value = self.text(column)?;
        read(value).ok_or_else(|| self.bad(column, value, allowed))
    }

    fn name(&self, column: &'static str) -> Result<String, TableError> {
        self.read(column, "a text", |value| (!value.trim().is_empty()).then(|| domain::text::nfc(value)))
    }

    /// A code that no earlier row has.
    fn new_code(&mut self, column: &'static str) -> Result<String, TableError> {
        // Every internal code has the same form.
        let code = self.read(column, "1 to 20 of A-Z, 0-9, '-', '_', '.'", |value| SiteCode::parse(value).ok())?.to_string();
        if !self.codes.insert(code.clone()) {
            return Err(self.bad(column, &code, "a code that no earlier line has"));
        }
        Ok(code)
    }

    /// A code that another table has.
    fn known(&self, column: &'static str, codes: &BTreeSet<String>, table: &str) -> Result<String, TableError> {
        self.read(column, &format!("a code of {table}"), |value| codes.get(value).cloned())
    }

    fn gs1(&self, column: &'static str, digits: usize) -> Result<String, TableError> {
        self.read(column, &format!("{digits} digits, the last a check digit, or nothing"), |value| {
            (value.is_empty() || is_gs1_key(value, digits)).then(|| value.to_owned())
        })
    }

    fn optional<T: std::str::FromStr>(&self, column: &'static str, allowed: &str) -> Result<Option<T>, TableError> {
        self.read(column, allowed, |value| if value.is_empty() { Some(None) } else { value.parse().ok().map(Some) })
    }
}

/// A decimal number in units of 10^-places, exactly.
fn decimal(text: &str, places: usize) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > places || !all_digits(whole) || !all_digits(part) {
        return None;
    }
    format!("{whole}{part:0<places$}").parse::<i64>().ok().map(|value| sign * value)
}

fn district(row: &mut Row<'_>) -> Result<District, TableError> {
    Ok(District {
        code: row.new_code("code")?,
        name: row.name("name_vi")?,
        kind: row.name("kind")?,
        ends: row.optional("valid_to_exclusive", "a date such as 2025-07-01, or nothing")?,
    })
}

fn chain(row: &mut Row<'_>, districts: &BTreeSet<String>) -> Result<Chain, TableError> {
    let percent = |column| row.read(column, "0 to 100", |value| value.parse().ok().filter(|percent| *percent <= 100));
    let share_percent = [percent("share_supermarket_pct")?, percent("share_general_pct")?, percent("share_specialty_pct")?];
    let sum: u32 = share_percent.iter().sum();
    if sum > 100 {
        return Err(row.bad(
            "share_specialty_pct",
            &share_percent[2].to_string(),
            format!("shares of 100 together; they are {sum}"),
        ));
    }
    Ok(Chain {
        code: row.new_code("code")?,
        name: row.name("name_vi")?,
        lead_name: row.name("lead_cooperative")?,
        lead_gln: row.gs1("lead_gln", 13)?,
        district: row.known("district", districts, DISTRICTS)?,
        group: row.name("group")?,
        share_percent,
        capacity_milli: row.read("capacity_per_day", "a number above zero with at most three decimals", |value| {
            decimal(value, 3).filter(|milli| *milli > 0)
        })?,
        capacity_unit: row
            .read("capacity_unit", "KGM or H87", |value| BaseUnit::from_code(value).filter(|unit| *unit != BaseUnit::Litre))?,
    })
}

fn site(row: &mut Row<'_>, districts: &BTreeSet<String>, chains: &BTreeSet<String>) -> Result<Site, TableError> {
    let kinds = SiteKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let degrees = |column, most: i64| {
        row.read(column, "degrees with at most six decimals", |value| {
            decimal(value, 6).filter(|degrees| degrees.abs() <= most * 1_000_000).and_then(|degrees| i32::try_from(degrees).ok())
        })
    };
    let (latitude_e6, longitude_e6) = (degrees("lat", 90)?, degrees("lon", 180)?);
    let chain = if row.text("chain")?.is_empty() { None } else { Some(row.known("chain", chains, CHAINS)?) };
    let code = row.new_code("code")?;
    if chain.is_none() && OrganizationCode::parse(&super::organization_code(&code)).is_err() {
        return Err(row.bad("code", &code, "at most 17 characters for a site without chain: its organization is named after it"));
    }
    Ok(Site {
        code,
        name: row.name("name_vi")?,
        kind: row.read("kind", &kinds, SiteKind::from_name)?,
        district: row.known("district", districts, DISTRICTS)?,
        gln: row.gs1("gln", 13)?,
        latitude_e6,
        longitude_e6,
        chain,
    })
}

fn product(row: &mut Row<'_>) -> Result<Product, TableError> {
    let content_unit = row.text("net_unit")?.to_owned();
    let quantity = row.text("net_qty")?;
    let content_milli = if quantity.is_empty() && content_unit.is_empty() {
        0
    } else {
        row.read("net_qty", "a number above zero with at most three decimals, where net_unit says of what", |value| {
            decimal(value, 3).filter(|milli| *milli > 0 && !content_unit.is_empty())
        })?
    };
    Ok(Product {
        code: row.new_code("id")?,
        name: row.name("name_vi")?,
        name_en: row.text("name_en")?.to_owned(),
        name_ascii: row.text("name_ascii")?.to_owned(),
        group: row.name("group")?,
        ocop_group: row.optional("ocop_group", "0 to 6")?.unwrap_or(0),
        base_unit: row.read("base_unit", "KGM, LTR or H87", BaseUnit::from_code)?,
        content_milli,
        content_unit,
        content_kind: row.name("net_kind")?,
        mass_gram: row.read("mass_g", "whole grams above zero", |value| value.parse().ok().filter(|gram| *gram > 0))?,
        shelf_life_days: row.optional("shelf_life_days", "whole days, or nothing")?.unwrap_or(0),
        temperature_min_celsius: row.optional("temp_min_c", "whole degrees, or nothing")?,
        temperature_max_celsius: row.optional("temp_max_c", "whole degrees, or nothing")?,
        gtin: row.gs1("gtin", 14)?,
    })
}

fn target(row: &mut Row<'_>) -> Result<Target, TableError> {
    Ok(Target {
        measure: row.read("measure", "a measure of the programme, for example ocop-graded", |value| {
            ProgrammeMeasure::from_name(&value.replace('-', "_"))
        })?,
        value: row.read("value", "a whole number above zero", |value| value.parse().ok().filter(|value| *value > 0))?,
        due: row.read("due_date", "a date, as 2021-12-31", |value| value.parse().ok())?,
        source: row.name("source")?,
    })
}

fn chain_product(
    row: &mut Row<'_>,
    chains: &BTreeSet<String>,
    products: &BTreeSet<String>,
    primary: &mut BTreeMap<String, u64>,
) -> Result<ChainProduct, TableError> {
    let chain = row.known("chain", chains, CHAINS)?;
    let product = row.known("product", products, PRODUCTS)?;
    let is_primary = row.read("is_primary", "0 or 1", |value| match value {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    })?;
    let line = row.record.position().map_or(0, csv::Position::line);
    if is_primary && let Some(earlier) = primary.insert(product.clone(), line) {
        return Err(row.bad("is_primary", "1", format!("0, since line {earlier} is the product's first source already")));
    }
    Ok(ChainProduct { chain, product, is_primary })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changed: &'static str, from: &str, to: &str) -> Result<Tables, TableError> {
        Tables::read(|file| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            assert!(file != changed || text.contains(from), "{from} is not in {file}");
            Ok(if file == changed { text.replacen(from, to, 1) } else { text })
        })
    }

    #[test]
    fn the_counts_are_those_of_the_article() {
        let tables = Tables::embedded().unwrap();
        let count = |kind| tables.sites.iter().filter(|site| site.kind == kind).count();
        assert_eq!((tables.chains.len(), tables.products.len(), tables.districts.len()), (141, 1_379, 30));
        let shops = [SiteKind::Supermarket, SiteKind::GeneralStore, SiteKind::SpecialtyStore].map(count);
        assert_eq!(shops, [110, 1_400, 300]);
        assert_eq!([SiteKind::OcopIntroPoint, SiteKind::OcopSalePoint].map(count), [44, 35]);
        assert_eq!((tables.sites.len(), tables.chain_products.len()), (2_069, 2_165));
        // A product has one first source, a chain one site of its own.
        assert_eq!(tables.chain_products.iter().filter(|it| it.is_primary).count(), 1_379);
        let own: BTreeSet<_> = tables.sites.iter().filter_map(|site| site.chain.as_ref()).collect();
        assert_eq!((own.len(), tables.sites.iter().filter(|site| site.chain.is_some()).count()), (141, 141));
        assert_eq!(Tables::from_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data")).unwrap(), tables);
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn an_error_says_where_it_is_and_what_is_allowed() {
        for (file, from, to, message) in [
            (SITES,    "SM002,",            "SM001,",            r#"sites.csv, line 3, column code: "SM001" is not allowed; allowed is a code that no earlier line has"#),
            (SITES,    "9521410000028",     "9521410000029",     r#"sites.csv, line 3, column gln: "9521410000029" is not allowed; allowed is 13 digits, the last a check digit, or nothing"#),
            (SITES,    "21.01936",          "21,01936",          r#"sites.csv: CSV error: record 1 (line: 2, byte: 45): found record with 9 fields, but the previous record has 8 fields"#),
            (CHAINS,   "7600,KGM",          "7600,LTR",          r#"chains.csv, line 2, column capacity_unit: "LTR" is not allowed; allowed is KGM or H87"#),
            (CHAINS,   "20,70,10,7600",     "20,80,10,7600",     r#"chains.csv, line 2, column share_specialty_pct: "10" is not allowed; allowed is shares of 100 together; they are 110"#),
            (CHAINS,   "HTX Mẫu Gió Đồng Gia Lâm 01,9521419000012,018", "HTX,9521419000012,999", r#"chains.csv, line 2, column district: "999" is not allowed; allowed is a code of districts.csv"#),
            (PRODUCTS, "H87,500,GRM,fixed", "H87,,GRM,fixed",    r#"product-kinds.csv, line 2, column net_qty: "" is not allowed; allowed is a number above zero with at most three decimals, where net_unit says of what"#),
            (PRODUCTS, "base_unit",         "unit",              r#"product-kinds.csv: the header line has no column "base_unit"; it has id, name_vi, name_en, name_ascii, group, ocop_group, unit, net_qty, net_unit, net_kind, mass_g, shelf_life_days, temp_min_c, temp_max_c, gtin"#),
            (CHAIN_PRODUCTS, "PK0041,1",    "PK0001,1",          r#"chain-products.csv, line 3, column is_primary: "1" is not allowed; allowed is 0, since line 2 is the product's first source already"#),
        ] { assert_eq!(with(file, from, to).unwrap_err().to_string(), message); }
        let nowhere = Tables::from_folder(Path::new("/nowhere")).unwrap_err().to_string();
        assert!(nowhere.starts_with("/nowhere/districts.csv cannot be read"), "{nowhere}");
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn decimals_are_read_exactly() {
        for (text, places, expected) in [
            ("21.0340",    6, Some(21_034_000)),
            ("-105.81430", 6, Some(-105_814_300)),
            ("7600",       3, Some(7_600_000)),
            ("0.0001",     3, None),
            ("1e3",        3, None),
            ("1.",         3, Some(1_000)),
            (".5",         3, None),
        ] { assert_eq!(decimal(text, places), expected, "{text}"); }
    }
}
