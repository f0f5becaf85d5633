//! What there is to tell and was not told yet: asked of the tables of the other views, in one cut, the oldest first.

use crate::database::{self, Settings};
use crate::page::Page;
use crate::programme::certificates::list_certificates;
use crate::read::{Cut, Query, Views, whole};
use crate::report::goods::lacking;
use crate::report::shares::idle_chains;
use crate::safety::discrepancies::open;
use crate::safety::read::{BLOCKS, IS_OPEN, stopped};
use crate::stock::read::today;
use crate::{Error, filter, names};
use domain::event::NoticeKind;
use domain::time::BusinessDay;
use std::collections::BTreeSet;
use uuid::Uuid;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::programme::v1::ListCertificatesRequest;
use wire::proto::chuoi::record::v1::{GiveNotice, LotReference};
use wire::proto::chuoi::report::v1::ListIdleChainsRequest;

/// Days back that an expired lot on hand, or an unresolved discrepancy, is still news.
const NEWS_DAYS: i32 = 30;
/// Days back in which a shop dealt in what it is now out of.
const DEALT_DAYS: i32 = 30;

/// How far ahead people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Days from today to the last on which a lot may be sold: 0 tells on that day.
    pub expiry_days: i32,
    /// Days from today to the last of a certificate.
    pub lapsing_days: i32,
    /// Days without an entry, Tết left out, before a chain counts as idle; where it usually rests longer, that.
    pub idle_days: i32,
}

impl Default for Horizon {
    fn default() -> Horizon {
        Horizon { expiry_days: 1, lapsing_days: 30, idle_days: 3 }
    }
}

/// Asks the tables what there is to tell.
pub struct Outlook(Views);

impl Outlook {
    /// Asks these tables. Call it inside a runtime.
    pub fn of(settings: &Settings) -> Result<Outlook, Error> {
        let pool = database::connect(&Settings { connections: 1, ..settings.clone() })?;
        Ok(Outlook(Views::over(pool, tokio::sync::watch::channel(false).1)))
    }

    /// What was recorded behind an entry and is to be told: recalls, temperatures beyond what is allowed, discrepancies. As of
    /// tables that hold the position; so many at most, the oldest first.
    pub async fn happened(&self, at_least: &str, behind: u64, limit: usize) -> Result<Vec<GiveNotice>, Error> {
        let client = self.0.reach(at_least).await?;
        let behind = i64::try_from(behind).unwrap_or(i64::MAX);
        whole!(client, |cut| {
            cut.plan_each().await?;
            let mut due = Due::of(cut, limit)?;
            due.recalls(cut, behind).await?;
            due.discrepancies(cut, behind).await?;
            Ok(due.notices)
        })
    }

    /// What came with the days: lots that expire, empty shelves, silent chains, certificates that lapse. As of tables that hold the
    /// position; so many at most, the oldest of each kind first.
    pub async fn came(&self, at_least: &str, horizon: Horizon, limit: usize) -> Result<Vec<GiveNotice>, Error> {
        let client = self.0.reach(at_least).await?;
        whole!(client, |cut| {
            cut.plan_each().await?;
            let mut due = Due::of(cut, limit)?;
            due.lapsing(cut, horizon).await?;
            due.idle(cut, horizon).await?;
            due.expiring(cut, horizon).await?;
            due.out_of_stock(cut).await?;
            Ok(due.notices)
        })
    }
}

struct Due {
    today: BusinessDay,
    limit: usize,
    keys: BTreeSet<String>,
    notices: Vec<GiveNotice>,
}

impl Due {
    fn of(cut: &Cut<'_>, limit: usize) -> Result<Due, Error> {
        Ok(Due { today: today(cut)?, limit, keys: BTreeSet::new(), notices: Vec::new() })
    }

    fn left(&self) -> i64 {
        i64::try_from(self.limit - self.notices.len()).unwrap_or(i64::MAX)
    }

    fn take(&mut self, notice: GiveNotice) {
        if self.notices.len() < self.limit && self.keys.insert(notice.key.clone()) {
            self.notices.push(notice);
        }
    }

    /// Takes those that were not given yet.
    async fn take_new(&mut self, cut: &Cut<'_>, notices: Vec<GiveNotice>) -> Result<(), Error> {
        let keys: Vec<&str> = notices.iter().map(|notice| notice.key.as_str()).collect();
        let known = cut.rows("SELECT key FROM notices WHERE key = ANY($1)", &[&keys]).await?;
        let known = known.iter().map(|row| row.try_get(0)).collect::<Result<BTreeSet<String>, _>>()?;
        notices.into_iter().filter(|notice| !known.contains(&notice.key)).for_each(|notice| self.take(notice));
        Ok(())
    }

    async fn recalls(&mut self, cut: &Cut<'_>, behind: i64) -> Result<(), Error> {
        let sql = format!(
            "SELECT k.organization_code, k.command_id, k.business_day, l.lot_id
             FROM ({BLOCKS} WHERE b.is_recall AND b.sequence > $2 AND {IS_OPEN}) AS k CROSS JOIN unnest(k.lots) AS l (lot_id)
             WHERE NOT EXISTS (SELECT FROM notices n
                               WHERE n.key = 'recall/' || k.organization_code || '/' || k.command_id || '/' || l.lot_id)
             ORDER BY k.sequence, k.ordinal, l.lot_id LIMIT $1"
        );
        for row in cut.rows(&sql, &[&self.left(), &behind]).await? {
            let (organization, command): (String, Uuid) = (row.try_get("organization_code")?, row.try_get("command_id")?);
            let lot: Uuid = row.try_get("lot_id")?;
            let key = [organization.as_str(), &command.to_string(), &lot.to_string()].join("/");
            self.take(GiveNotice {
                lot: by_id(lot),
                organization,
                about_command_id: command.to_string(),
                date: filter::date(Some(row.try_get("business_day")?)),
                ..notice(NoticeKind::Recall, &key)
            });
        }
        Ok(())
    }

    async fn discrepancies(&mut self, cut: &Cut<'_>, behind: i64) -> Result<(), Error> {
        for found in open(cut, self.today.plus(-NEWS_DAYS), behind, self.left()).await? {
            let kind = if found.is_breach { NoticeKind::TemperatureBreach } else { NoticeKind::Discrepancy };
            let command = found.command.to_string();
            let key = [found.organization.as_str(), &command].join("/");
            self.take(GiveNotice {
                lot: found.lot.and_then(by_id),
                site: found.site.unwrap_or_default(),
                date: found.day.to_string(),
                about_command_id: command,
                organization: found.organization,
                ..notice(kind, &key)
            });
        }
        Ok(())
    }

    async fn expiring(&mut self, cut: &Cut<'_>, horizon: Horizon) -> Result<(), Error> {
        // Goods of one lot under both codes of a site are one.
        let sql = "
            SELECT k.* FROM (
                SELECT coalesce(m.survivor_code, k.site_code) AS site_code, k.lot_id, l.expiry_day,
                       sum(k.quantity_milli)::bigint AS quantity_milli
                FROM lots l JOIN stock k USING (lot_id) LEFT JOIN merged m ON m.kind = 'site' AND m.code = k.site_code
                WHERE l.expiry_day BETWEEN $1 AND $2 GROUP BY 1, 2, 3) AS k
            WHERE NOT EXISTS (SELECT FROM notices n
                              WHERE n.key = 'expiry/' || k.lot_id || '/' || k.site_code || '/' || to_char(date '1970-01-01' + k.expiry_day, 'YYYY-MM-DD'))
            ORDER BY k.expiry_day, k.lot_id, k.site_code LIMIT $3";
        let (from, to) = (self.today.plus(-NEWS_DAYS).0, self.today.plus(horizon.expiry_days).0);
        for row in cut.rows(sql, &[&from, &to, &self.left()]).await? {
            let (lot, site): (Uuid, String) = (row.try_get("lot_id")?, row.try_get("site_code")?);
            let expiry: i32 = row.try_get("expiry_day")?;
            let date = filter::date(Some(expiry));
            let key = [lot.to_string().as_str(), &site, &date].join("/");
            self.take(GiveNotice {
                lot: by_id(lot),
                site,
                date,
                days: Some(expiry.saturating_sub(self.today.0)),
                quantity_milli: Some(row.try_get("quantity_milli")?),
                ..notice(NoticeKind::Expiry, &key)
            });
        }
        Ok(())
    }

    /// As the report of shortages says.
    async fn out_of_stock(&mut self, cut: &Cut<'_>) -> Result<(), Error> {
        if self.left() == 0 {
            return Ok(());
        }
        let mut query = Query::default();
        let lacking = lacking(cut, &mut query, &stopped(cut).await?, None, self.today.plus(1 - DEALT_DAYS), self.today);
        let limit = query.bind(self.left());
        query.sql = format!(
            "SELECT k.* FROM (
                 SELECT site_code, product_code, last_day, to_char(date '1970-01-01' + last_day, 'YYYY-MM-DD') AS last_date
                 FROM {lacking} AS k) AS k
             WHERE NOT EXISTS (SELECT FROM notices n
                               WHERE n.key = '{}/' || k.site_code || '/' || k.product_code || '/' || coalesce(k.last_date, ''))
             ORDER BY k.last_day, k.site_code, k.product_code LIMIT {limit}",
            NoticeKind::OutOfStock.as_str()
        );
        for row in cut.query(&query).await? {
            let (site, product): (String, String) = (row.try_get("site_code")?, row.try_get("product_code")?);
            let last: Option<i32> = row.try_get("last_day")?;
            let date = filter::date(last);
            let key = [site.as_str(), &product, &date].join("/");
            let days = last.map(|last| self.today.0.saturating_sub(last));
            self.take(GiveNotice { site, product, date, days, ..notice(NoticeKind::OutOfStock, &key) });
        }
        Ok(())
    }

    /// As the report of idle chains says; while farms rest for Tết, nobody is told. Of a chain that never entered anything nothing
    /// is said: nobody waits for it.
    async fn idle(&mut self, cut: &Cut<'_>, horizon: Horizon) -> Result<(), Error> {
        let request = ListIdleChainsRequest { min_days: horizon.idle_days, ..Default::default() };
        let page = Page::all();
        let answer = idle_chains(cut, &request, &page).await?;
        if answer.tet_pause {
            return Ok(());
        }
        let silent = answer.rows.into_iter().filter(|chain| !chain.last_date.is_empty());
        let silent = silent.map(|chain| {
            let key = [chain.chain_code.as_str(), &chain.last_date].join("/");
            let notice = notice(NoticeKind::IdleChain, &key);
            GiveNotice { days: chain.idle_days, chain: chain.chain_code, date: chain.last_date, ..notice }
        });
        self.take_new(cut, silent.collect()).await
    }

    async fn lapsing(&mut self, cut: &Cut<'_>, horizon: Horizon) -> Result<(), Error> {
        let request = ListCertificatesRequest { lapsing_within_days: horizon.lapsing_days, ..Default::default() };
        let page = Page::all();
        let mut lapsing = Vec::new();
        for certificate in list_certificates(cut, &request, &page).await?.rows {
            let Some(issued) = certificate.issued else { continue };
            let kind = event::CertificateKind::try_from(issued.kind).unwrap_or_default();
            let key = [names::of_certificate_kind(kind).as_str(), &issued.number, &certificate.until_date].join("/");
            lapsing.push(GiveNotice {
                certificate_kind: issued.kind,
                certificate_number: issued.number,
                organization: issued.holder_code,
                chain: issued.chain_code,
                date: certificate.until_date,
                days: certificate.days_left,
                ..notice(NoticeKind::CertificateLapsing, &key)
            });
        }
        self.take_new(cut, lapsing).await
    }
}

fn by_id(lot: Uuid) -> Option<LotReference> {
    Some(LotReference { lot_id: lot.to_string(), ..LotReference::default() })
}

fn notice(kind: NoticeKind, key: &str) -> GiveNotice {
    let number = super::read::kind_of(kind.as_str()).into();
    GiveNotice { kind: number, key: format!("{}/{key}", kind.as_str()), ..GiveNotice::default() }
}
