//! Writes facts of the programme as they are said.

use crate::Error;
use crate::copy::Rows;
use crate::registry::Dated;
use deadpool_postgres::Transaction;
use domain::event::RegistryFact;
use std::collections::BTreeMap;

/// Each table with its columns.
const TABLES: [&str; 10] = [
    "certificate_facts (kind, number, from_day, sequence, ordinal, holder_code, issuer, product_codes, site_codes, chain_code, until_day)",
    "certificate_standing_facts (kind, number, from_day, sequence, ordinal, standing, reason)",
    "ocop_registration_facts (dossier_number, from_day, sequence, ordinal, subject_code, product_code, district_code)",
    "ocop_grading_facts (dossier_number, from_day, sequence, ordinal, rule, community_hundredths, marketing_hundredths, \
     quality_hundredths, stars, until_day, level, decision_number)",
    "site_standing_facts (site_code, from_day, sequence, ordinal, standing, until_day, reason)",
    "district_succession_facts (from_district_code, to_district_code, from_day, sequence, ordinal, share_basis_points)",
    "craft_village_facts (village_code, from_day, sequence, ordinal, name, trade, trade_folded, district_code, recognition_number)",
    "target_facts (measure, from_day, sequence, ordinal, value, due_day, source)",
    "trademark_facts (case_number, from_day, sequence, ordinal, subject_code, mark, step, is_last, due_day)",
    "label_facts (series, from_day, sequence, ordinal, fate, first, last, subject_code, product_code)",
];

/// A new row of a table.
fn row(tables: &mut BTreeMap<usize, Rows>, table: usize) -> &mut Rows {
    let columns = TABLES[table].split(',').count();
    tables.entry(table).or_insert_with(|| Rows::of(i16::try_from(columns).unwrap_or(i16::MAX))).row()
}

/// Writes what a batch said of it.
pub async fn write(transaction: &Transaction<'_>, facts: &[Dated<RegistryFact>]) -> Result<(), Error> {
    let mut tables: BTreeMap<usize, Rows> = BTreeMap::new();
    for dated in facts {
        let place = |rows: &mut Rows| {
            rows.int(dated.from.0).big(dated.at.sequence).int(dated.at.ordinal);
        };
        match &dated.fact {
            RegistryFact::Certificate(fact) => {
                let rows = row(&mut tables, 0).text(fact.id.kind.as_str()).text(&fact.id.number);
                place(rows);
                let products: serde_json::Value = fact.products.iter().map(|code| code.as_str()).collect();
                let sites: serde_json::Value = fact.sites.iter().map(|code| code.as_str()).collect();
                rows.text(fact.holder.as_str()).text(&fact.issuer).json(&products).json(&sites);
                rows.maybe(fact.chain.as_ref(), |rows, chain| rows.text(chain.as_str()));
                rows.maybe(fact.until, |rows, day| rows.int(day.0));
            }
            RegistryFact::CertificateStanding(fact) => {
                let rows = row(&mut tables, 1).text(fact.id.kind.as_str()).text(&fact.id.number);
                place(rows);
                rows.text(fact.standing.as_str()).text(&fact.reason);
            }
            RegistryFact::OcopRegistered(fact) => {
                let rows = row(&mut tables, 2).text(&fact.dossier);
                place(rows);
                rows.text(fact.subject.as_str()).text(fact.product.as_str()).text(fact.district.as_str());
            }
            RegistryFact::OcopGraded(fact) => {
                let rows = row(&mut tables, 3).text(&fact.dossier);
                place(rows);
                rows.text(fact.rule.as_str());
                for hundredths in fact.hundredths {
                    rows.int(i32::try_from(hundredths).unwrap_or(i32::MAX));
                }
                rows.int(fact.stars().into()).maybe(fact.until(dated.from), |rows, day| rows.int(day.0));
                rows.text(fact.level.as_str()).text(&fact.decision);
            }
            RegistryFact::SiteStanding(fact) => {
                let rows = row(&mut tables, 4).text(fact.site.as_str());
                place(rows);
                rows.text(fact.standing.as_str()).maybe(fact.until, |rows, day| rows.int(day.0)).text(&fact.reason);
            }
            RegistryFact::DistrictSucceeded(fact) => {
                let rows = row(&mut tables, 5).text(fact.from.as_str()).text(fact.to.as_str());
                place(rows);
                rows.int(i32::try_from(fact.share_basis_points).unwrap_or(i32::MAX));
            }
            RegistryFact::CraftVillage(fact) => {
                let rows = row(&mut tables, 6).text(fact.code.as_str());
                place(rows);
                rows.text(&fact.name).text(&fact.trade).text(&domain::text::fold(&fact.trade)).text(fact.district.as_str());
                rows.maybe(fact.recognition.as_deref(), Rows::text);
            }
            RegistryFact::Target(fact) => {
                let rows = row(&mut tables, 7).text(fact.measure.as_str());
                place(rows);
                rows.big(fact.value).int(fact.due.0).text(&fact.source);
            }
            RegistryFact::TrademarkCase(fact) => {
                let rows = row(&mut tables, 8).text(&fact.number);
                place(rows);
                rows.text(fact.subject.as_str()).text(&fact.mark).text(fact.step.as_str()).flag(fact.step.is_last());
                rows.maybe(fact.due, |rows, day| rows.int(day.0));
            }
            RegistryFact::Labels(fact) => {
                let rows = row(&mut tables, 9).text(&fact.series);
                place(rows);
                rows.text(fact.fate.as_str()).big(fact.first).big(fact.last);
                rows.maybe(fact.subject.as_ref(), |rows, code| rows.text(code.as_str()));
                rows.maybe(fact.product.as_ref(), |rows, code| rows.text(code.as_str()));
            }
            // Things, and what becomes of them, have tables of their own.
            _ => {}
        }
    }
    for (table, rows) in tables {
        rows.send(transaction, TABLES[table]).await?;
    }
    Ok(())
}
