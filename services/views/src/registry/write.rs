//! Writes the registry's tables: facts are appended, and what holds now is taken from them again for each code that a fact names.

use super::fold::{Changes, Dated, Number, Retires, member};
use crate::Error;
use crate::copy::Rows;
use crate::database::execute;
use crate::programme;
use deadpool_postgres::Transaction;
use std::collections::BTreeSet;

/// Writes what a batch registered.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(9);
    for dated in &changes.districts {
        head(&mut rows, dated.fact.code.as_str(), dated).text(&dated.fact.name).text(&dated.fact.kind);
        rows.maybe(dated.fact.ends, |rows, day| rows.int(day.0));
        tail(&mut rows, dated);
    }
    let columns = "district_code, from_day, sequence, ordinal, name, kind, ends_day, words_written, words_folded";
    append(transaction, rows, "district", columns, codes(&changes.districts, |fact| fact.code.as_str())).await?;

    let mut rows = Rows::of(9);
    for dated in &changes.organizations {
        head(&mut rows, dated.fact.code.as_str(), dated).text(&dated.fact.name).text(dated.fact.kind.as_str());
        rows.maybe(dated.fact.gln.as_deref(), Rows::text);
        tail(&mut rows, dated);
    }
    let columns = "organization_code, from_day, sequence, ordinal, name, kind, gln, words_written, words_folded";
    append(transaction, rows, "organization", columns, codes(&changes.organizations, |fact| fact.code.as_str())).await?;

    let mut rows = Rows::of(15);
    for dated in &changes.sites {
        let site = &dated.fact;
        head(&mut rows, site.code.as_str(), dated).text(&site.name).text(site.kind.as_str()).text(site.organization.as_str());
        rows.text(site.district.as_str()).maybe(site.gln.as_deref(), Rows::text).int(site.latitude_e6).int(site.longitude_e6);
        rows.flag(site.kind.is_producing()).flag(site.kind.is_shop());
        tail(&mut rows, dated);
    }
    let columns = "site_code, from_day, sequence, ordinal, name, kind, organization_code, district_code, gln, latitude_e6, \
                   longitude_e6, is_producing, is_shop, words_written, words_folded";
    append(transaction, rows, "site", columns, codes(&changes.sites, |fact| fact.code.as_str())).await?;

    let mut rows = Rows::of(23);
    for dated in &changes.products {
        let product = &dated.fact;
        let units = product.market_units.iter().map(|unit| {
            serde_json::json!({ "name": unit.name.as_str(), "numerator": unit.numerator, "denominator": unit.denominator })
        });
        head(&mut rows, product.code.as_str(), dated).text(&product.name).text(&product.name_en).text(&product.group);
        rows.int(count(product.ocop_group)).text(product.base_unit.code()).flag(product.indivisible);
        rows.big(product.mass_gram).big(product.pieces).big(product.content_milli).text(&product.content_unit);
        rows.text(&product.content_kind).int(count(product.shelf_life_days));
        rows.maybe(product.temperature_min_celsius, Rows::int).maybe(product.temperature_max_celsius, Rows::int);
        rows.maybe(product.gtin.as_deref(), Rows::text);
        rows.maybe(product.brand_owner.as_ref(), |rows, owner| rows.text(owner.as_str())).json(&units.collect());
        tail(&mut rows, dated);
    }
    let columns = "product_code, from_day, sequence, ordinal, name, name_en, group_code, ocop_group, base_unit, indivisible, \
                   mass_gram, pieces, content_milli, content_unit, content_kind, shelf_life_days, temperature_min_celsius, \
                   temperature_max_celsius, gtin, brand_owner_code, market_units, words_written, words_folded";
    append(transaction, rows, "product", columns, codes(&changes.products, |fact| fact.code.as_str())).await?;

    let mut rows = Rows::of(13);
    for dated in &changes.chains {
        let chain = &dated.fact;
        head(&mut rows, chain.code.as_str(), dated).text(&chain.name).text(chain.lead.as_str()).text(chain.district.as_str());
        rows.text(&chain.group).int(count(chain.share_supermarket_percent)).int(count(chain.share_general_percent));
        rows.int(count(chain.share_specialty_percent));
        tail(&mut rows, dated);
    }
    let columns = "chain_code, from_day, sequence, ordinal, name, lead_organization_code, district_code, group_code, \
                   share_supermarket_percent, share_general_percent, share_specialty_percent, words_written, words_folded";
    append(transaction, rows, "chain", columns, codes(&changes.chains, |fact| fact.code.as_str())).await?;

    memberships(transaction, changes).await?;
    capacities(transaction, changes).await?;
    retirements(transaction, changes).await?;
    numbers(transaction, changes).await?;
    merges(transaction, changes).await?;
    programme::write::write(transaction, &changes.programme).await
}

async fn retirements(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(7);
    for dated in &changes.retirements {
        let Retires { retirement, is_retired } = &dated.fact;
        rows.row().text(retirement.thing.kind()).text(retirement.thing.code()).int(dated.from.0);
        rows.big(dated.at.sequence).int(dated.at.ordinal).flag(*is_retired).text(&retirement.reason);
    }
    rows.send(transaction, "retirement_facts (kind, code, from_day, sequence, ordinal, is_retired, reason)").await
}

async fn numbers(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(9);
    for dated in &changes.numbers {
        let Number { attached, is_attached } = &dated.fact;
        rows.row().text(attached.thing.kind()).text(&attached.number).int(dated.from.0).big(dated.at.sequence);
        rows.int(dated.at.ordinal).text(attached.thing.code()).flag(*is_attached);
        rows.maybe(attached.brand_owner.as_ref(), |rows, owner| rows.text(owner.as_str()));
        rows.maybe(attached.moved_from.as_deref(), Rows::text);
    }
    let columns = "kind, number, from_day, sequence, ordinal, code, is_attached, brand_owner_code, moved_from_code";
    rows.send(transaction, &format!("number_facts ({columns})")).await
}

async fn merges(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    if changes.merges.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(7);
    for dated in &changes.merges {
        let merged = &dated.fact;
        rows.row().text(merged.duplicate.kind()).text(merged.duplicate.code()).text(merged.survivor.code()).int(dated.from.0);
        rows.big(dated.at.sequence).int(dated.at.ordinal).text(&merged.reason);
    }
    let columns = "kind, duplicate_code, survivor_code, from_day, sequence, ordinal, reason";
    rows.send(transaction, &format!("merge_facts ({columns})")).await?;
    // Few, so all are followed to their ends anew. UNION ends a circle, which only a journal made by hand could hold.
    execute(transaction, "DELETE FROM merged", &[]).await?;
    let ends = "WITH RECURSIVE steps AS (
                    SELECT kind, duplicate_code AS code, survivor_code FROM merge_facts
                    UNION SELECT s.kind, s.code, m.survivor_code FROM steps s
                          JOIN merge_facts m ON m.kind = s.kind AND m.duplicate_code = s.survivor_code
                )
                INSERT INTO merged (kind, code, survivor_code)
                SELECT DISTINCT ON (kind, code) kind, code, survivor_code FROM steps s
                WHERE NOT EXISTS (SELECT FROM merge_facts m WHERE m.kind = s.kind AND m.duplicate_code = s.survivor_code)
                ORDER BY kind, code, survivor_code";
    execute(transaction, ends, &[]).await?;
    Ok(())
}

async fn memberships(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(8);
    for dated in &changes.memberships {
        let (kind, code) = member(&dated.fact.membership.member);
        rows.row().text(dated.fact.membership.chain.as_str()).text(kind).text(code).int(dated.from.0);
        rows.big(dated.at.sequence).int(dated.at.ordinal).flag(dated.fact.is_member).flag(dated.fact.membership.is_primary);
    }
    let columns = "chain_code, member_kind, member_code, from_day, sequence, ordinal, is_member, is_primary";
    rows.send(transaction, &format!("membership_facts ({columns})")).await?;
    let chains = codes(&changes.memberships, |fact| fact.membership.chain.as_str());
    if !chains.is_empty() {
        execute(transaction, "DELETE FROM memberships WHERE chain_code = ANY($1)", &[&chains]).await?;
        let now = format!(
            "INSERT INTO memberships ({columns}) SELECT {columns} FROM (
                 SELECT DISTINCT ON (chain_code, member_kind, member_code) * FROM membership_facts WHERE chain_code = ANY($1)
                 ORDER BY chain_code, member_kind, member_code, from_day DESC, sequence DESC, ordinal DESC
             ) AS latest WHERE is_member"
        );
        execute(transaction, &now, &[&chains]).await?;
    }
    Ok(())
}

async fn capacities(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(6);
    for dated in &changes.capacities {
        rows.row().text(dated.fact.chain.as_str()).int(dated.from.0).big(dated.at.sequence).int(dated.at.ordinal);
        rows.big(dated.fact.quantity_per_day.0).text(dated.fact.unit.code());
    }
    rows.send(transaction, "capacity_facts (chain_code, from_day, sequence, ordinal, quantity_per_day_milli, unit)").await?;
    let chains = codes(&changes.capacities, |fact| fact.chain.as_str());
    if !chains.is_empty() {
        now(transaction, "capacities", "capacity_facts", "chain_code", &chains).await?;
    }
    Ok(())
}

fn head<'a, F>(rows: &'a mut Rows, code: &str, dated: &Dated<F>) -> &'a mut Rows {
    rows.row().text(code).int(dated.from.0).big(dated.at.sequence).int(dated.at.ordinal)
}

fn tail<F>(rows: &mut Rows, dated: &Dated<F>) {
    rows.text(&dated.words.0).text(&dated.words.1);
}

fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn codes<'a, F>(facts: &'a [Dated<F>], code: impl Fn(&'a F) -> &'a str) -> Vec<&'a str> {
    facts.iter().map(|dated| code(&dated.fact)).collect::<BTreeSet<_>>().into_iter().collect()
}

async fn append(transaction: &Transaction<'_>, rows: Rows, kind: &str, columns: &str, codes: Vec<&str>) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.send(transaction, &format!("{kind}_facts ({columns})")).await?;
    now(transaction, &format!("{kind}s"), &format!("{kind}_facts"), &format!("{kind}_code"), &codes).await
}

/// What holds now is the fact of the latest day, and of one day the last recorded: the same however the journal was cut.
async fn now(transaction: &Transaction<'_>, table: &str, facts: &str, key: &str, codes: &[&str]) -> Result<(), Error> {
    execute(transaction, &format!("DELETE FROM {table} WHERE {key} = ANY($1)"), &[&codes]).await?;
    let latest = format!(
        "INSERT INTO {table} SELECT DISTINCT ON ({key}) * FROM {facts} WHERE {key} = ANY($1)
         ORDER BY {key}, from_day DESC, sequence DESC, ordinal DESC"
    );
    execute(transaction, &latest, &[&codes]).await?;
    Ok(())
}
