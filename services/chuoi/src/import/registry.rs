//! Facts of the registry, of rows.

use domain::time::BusinessDay;
use wire::proto::chuoi::event::v1::{self as event, OcopRule, OrganizationKind, SiteKind};
use wire::proto::chuoi::record::v1::register::Fact;

use super::columns::Field;
use super::rows::{Bad, Cells, Kind};
use super::words::{
    CERTIFICATE_STANDINGS, CERTIFICATES, LABEL_FATES, LEVELS, ORGANIZATIONS, SITE_STANDINGS, SITES, TRADEMARK_STEPS,
};
use crate::words::{
    CertificateStandingWord, CertificateWord, Channel, LabelWord, LevelWord, MeasuredWord, OrganizationWord, StandingWord,
    TrademarkWord,
};

pub(super) fn fact(kind: Kind, row: &Cells<'_>, bad: &mut Vec<Bad>) -> Option<Fact> {
    let gln = |bad: &mut Vec<Bad>| match row.text(Field::Gln).as_str() {
        "" => String::new(),
        given => {
            domain::typed::gln(given).map_err(|misread| bad.push(row.bad(Field::Gln, misread.to_string()))).unwrap_or_default()
        }
    };
    let whole = |field: Field, bad: &mut Vec<Bad>| -> i64 {
        let text = row.text(field);
        let number = if text.is_empty() { Ok(0) } else { text.parse::<i64>() };
        number.map_err(|_| bad.push(row.bad(field, "is no whole number"))).unwrap_or(0)
    };
    Some(match kind {
        Kind::Organizations => {
            let kind = row.word::<OrganizationWord>(Field::Kind, ORGANIZATIONS, bad)?;
            Fact::Organization(event::OrganizationRegistered {
                organization_code: row.needed(Field::Code, bad),
                name: row.needed(Field::Name, bad),
                kind: OrganizationKind::try_from(kind.number()).unwrap_or_default().into(),
                gln: gln(bad),
            })
        }
        Kind::Sites => {
            let kind = row.word::<Channel>(Field::Kind, SITES, bad)?;
            Fact::Site(event::SiteRegistered {
                site_code: row.needed(Field::Code, bad),
                name: row.needed(Field::Name, bad),
                kind: SiteKind::try_from(kind.number()).unwrap_or_default().into(),
                organization_code: row.needed(Field::Organization, bad),
                district_code: row.needed(Field::District, bad),
                gln: gln(bad),
                latitude_e6: degrees(row, Field::Latitude, bad),
                longitude_e6: degrees(row, Field::Longitude, bad),
            })
        }
        Kind::Products => {
            let unit = row.needed(Field::Unit, bad);
            let base = domain::typed::unit(&unit).map(|unit| unit.base.code().to_owned());
            Fact::Product(event::ProductRegistered {
                product_code: row.needed(Field::Code, bad),
                name: row.needed(Field::Name, bad),
                group_code: row.text(Field::Group),
                base_unit: base.map_err(|misread| bad.push(row.bad(Field::Unit, misread.to_string()))).unwrap_or_default(),
                mass_gram: whole(Field::MassGram, bad),
                shelf_life_days: u32::try_from(whole(Field::ShelfLife, bad)).unwrap_or_default(),
                ..event::ProductRegistered::default()
            })
        }
        Kind::Chains => Fact::Chain(event::ChainRegistered {
            chain_code: row.needed(Field::Code, bad),
            name: row.needed(Field::Name, bad),
            lead_organization_code: row.needed(Field::Organization, bad),
            district_code: row.needed(Field::District, bad),
            group_code: row.text(Field::Group),
            ..event::ChainRegistered::default()
        }),
        Kind::Members => {
            use event::chain_member_joined::Member;
            let member = match (row.text(Field::Site), row.text(Field::Product)) {
                (site, product) if !site.is_empty() && product.is_empty() => Member::SiteCode(site),
                (site, product) if site.is_empty() && !product.is_empty() => Member::ProductCode(product),
                _ => {
                    bad.push(row.bad(Field::Site, "say a site or a product, one of both"));
                    return None;
                }
            };
            let chain_code = row.needed(Field::Chain, bad);
            Fact::MemberJoined(event::ChainMemberJoined { chain_code, member: Some(member), is_primary: false })
        }
        Kind::Capacities => {
            let capacity = row.quantity_of(Field::Capacity, false, bad)?;
            let base = domain::typed::unit(&capacity.unit)
                .map_err(|misread| bad.push(row.bad(Field::Capacity, misread.to_string())))
                .ok()?;
            let milli = domain::unit::to_base(domain::quantity::Milli(capacity.value_milli), &capacity.unit, base.base, &[]);
            let milli = milli.map_err(|inexact| bad.push(row.bad(Field::Capacity, inexact.to_string()))).ok()?;
            Fact::Capacity(event::CapacityDeclared {
                chain_code: row.needed(Field::Chain, bad),
                quantity_per_day_milli: milli.0,
                unit: base.base.code().to_owned(),
            })
        }
        Kind::Districts => Fact::District(event::DistrictRegistered {
            district_code: row.needed(Field::Code, bad),
            name: row.needed(Field::Name, bad),
            kind: row.needed(Field::Kind, bad),
            ends_day: None,
        }),
        Kind::DistrictSuccessions => Fact::DistrictSucceeded(event::DistrictSucceeded {
            from_district_code: row.needed(Field::District, bad),
            to_district_code: row.needed(Field::ToDistrict, bad),
            // Where no share is said, all of it passes.
            share_basis_points: if row.text(Field::Share).is_empty() { 10_000 } else { hundredths(row, Field::Share, bad) },
        }),
        Kind::Certificates => Fact::Certificate(event::CertificateIssued {
            kind: row.word::<CertificateWord>(Field::Kind, CERTIFICATES, bad)?.number(),
            number: row.needed(Field::Number, bad),
            holder_code: row.needed(Field::Organization, bad),
            issuer: row.needed(Field::IssuedBy, bad),
            product_codes: listed(&row.text(Field::Product)),
            site_codes: listed(&row.text(Field::Site)),
            chain_code: row.text(Field::Chain),
            until_day: day(row, Field::Until, bad),
        }),
        Kind::CertificateStandings => Fact::CertificateStanding(event::CertificateStandingChanged {
            kind: row.word::<CertificateWord>(Field::Kind, CERTIFICATES, bad)?.number(),
            number: row.needed(Field::Number, bad),
            standing: row.word::<CertificateStandingWord>(Field::Standing, CERTIFICATE_STANDINGS, bad)?.number(),
            reason: row.needed(Field::Reason, bad),
        }),
        Kind::OcopProducts => Fact::OcopRegistered(event::OcopRegistered {
            dossier_number: row.needed(Field::Dossier, bad),
            subject_code: row.needed(Field::Organization, bad),
            product_code: row.needed(Field::Product, bad),
            district_code: row.needed(Field::District, bad),
        }),
        Kind::OcopGrades => {
            // The rule is the one in force on the day of the decision; where that cannot be read, its cell says so.
            let rule = row.format.date(&row.cell(Field::Date)).map_or(OcopRule::Unspecified, |date| {
                match domain::event::programme::OcopRule::on(BusinessDay::of(date)) {
                    domain::event::programme::OcopRule::Decision1048 => OcopRule::Decision1048,
                    domain::event::programme::OcopRule::Decision148 => OcopRule::Decision148,
                }
            });
            Fact::OcopGraded(event::OcopGraded {
                dossier_number: row.needed(Field::Dossier, bad),
                rule: rule.into(),
                community_hundredths: hundredths(row, Field::Community, bad),
                marketing_hundredths: hundredths(row, Field::Marketing, bad),
                quality_hundredths: hundredths(row, Field::Quality, bad),
                level: row.word::<LevelWord>(Field::Level, LEVELS, bad)?.number(),
                decision_number: row.needed(Field::Decision, bad),
            })
        }
        Kind::SiteStandings => Fact::SiteStanding(event::SiteStandingChanged {
            site_code: row.needed(Field::Site, bad),
            standing: row.word::<StandingWord>(Field::Standing, SITE_STANDINGS, bad)?.number(),
            until_day: day(row, Field::Until, bad),
            reason: row.text(Field::Reason),
        }),
        Kind::CraftVillages => Fact::CraftVillage(event::CraftVillageRegistered {
            village_code: row.needed(Field::Code, bad),
            name: row.needed(Field::Name, bad),
            trade: row.needed(Field::Trade, bad),
            district_code: row.needed(Field::District, bad),
            recognition_number: row.text(Field::Decision),
        }),
        Kind::Targets => Fact::Target(event::TargetSet {
            measure: row.word::<MeasuredWord>(Field::Measure, &[], bad)?.number(),
            value: whole(Field::Target, bad),
            due_day: {
                row.needed(Field::Due, bad);
                day(row, Field::Due, bad).unwrap_or_default()
            },
            source: row.needed(Field::Decision, bad),
        }),
        Kind::Trademarks => Fact::TrademarkCase(event::TrademarkCaseStepped {
            case_number: row.needed(Field::Number, bad),
            subject_code: row.needed(Field::Organization, bad),
            mark: row.needed(Field::Mark, bad),
            step: row.word::<TrademarkWord>(Field::Standing, TRADEMARK_STEPS, bad)?.number(),
            due_day: day(row, Field::Due, bad),
        }),
        Kind::Labels => Fact::Labels(event::LabelsCounted {
            series: row.needed(Field::Series, bad),
            fate: row.word::<LabelWord>(Field::Standing, LABEL_FATES, bad)?.number(),
            first: whole(Field::First, bad),
            last: whole(Field::Last, bad),
            subject_code: row.text(Field::Organization),
            product_code: row.text(Field::Product),
        }),
        _ => return None,
    })
}

/// Codes in one cell, between commas or semicolons.
fn listed(cell: &str) -> Vec<String> {
    cell.split([',', ';']).map(str::trim).filter(|code| !code.is_empty()).map(str::to_owned).collect()
}

/// A day; none where the cell is empty.
fn day(row: &Cells<'_>, field: Field, bad: &mut Vec<Bad>) -> Option<i32> {
    if row.text(field).is_empty() {
        return None;
    }
    let date = row.format.date(&row.cell(field));
    date.map_err(|reason| bad.push(row.bad(field, reason))).ok().map(|date| BusinessDay::of(date).0)
}

/// A number with at most two decimals, in hundredths.
fn hundredths(row: &Cells<'_>, field: Field, bad: &mut Vec<Bad>) -> u32 {
    let read = row.format.quantity(&row.cell(field), "", true).and_then(|number| {
        let whole = number.value_milli % 10 == 0;
        let hundredths = u32::try_from(number.value_milli / 10).ok().filter(|_| whole && number.unit.is_empty());
        hundredths.ok_or_else(|| "is no number with at most two decimals".to_owned())
    });
    read.map_err(|reason| bad.push(row.bad(field, reason))).unwrap_or(0)
}

/// Degrees as millionths, digit by digit.
fn degrees(row: &Cells<'_>, field: Field, bad: &mut Vec<Bad>) -> i32 {
    let text = row.text(field).replace(',', ".");
    if text.is_empty() {
        return 0;
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let micro = (is_number(whole) && is_number(part) && !whole.is_empty())
        .then(|| format!("{whole}{:0<6}", &part[..part.len().min(6)]).parse::<i32>().ok())
        .flatten();
    match micro {
        Some(micro) if negative => -micro,
        Some(micro) => micro,
        None => {
            bad.push(row.bad(field, "is no number of degrees such as 21,03410"));
            0
        }
    }
}
