//! The command that gives a notice.

use super::{as_typed, day, lot_reference, text, uuid};
use crate::proto::chuoi::record::v1 as proto;
use crate::undecodable::{At as _, Undecodable};
use crate::words;
use domain::command::{Action, GiveNotice};
use domain::event::programme::CertificateRef;
use domain::id::CommandId;
use domain::quantity::Milli;

pub(super) fn give_notice(give: &proto::GiveNotice) -> Result<Action, Undecodable> {
    let certificate = || match (give.certificate_kind, give.certificate_number.is_empty()) {
        (0, true) => Ok(None),
        (0, false) => Err(Undecodable::here("is missing; say what the certificate certifies")).at("certificate_kind"),
        (_, true) => Err(Undecodable::here("is missing; give the certificate's number")).at("certificate_number"),
        (kind, false) => Ok::<_, Undecodable>(Some(CertificateRef {
            kind: words::said(words::certificate_kind(kind), kind).at("certificate_kind")?,
            number: text(&give.certificate_number).at("certificate_number")?,
        })),
    };
    let command = &give.about_command_id;
    let read = || {
        Ok::<_, Undecodable>(GiveNotice {
            kind: words::said(words::notice_kind(give.kind), give.kind).at("kind")?,
            key: as_typed(&give.key).at("key")?.to_owned(),
            lot: give.lot.as_ref().map(lot_reference).transpose().at("lot")?,
            product: text(&give.product).at("product")?,
            site: text(&give.site).at("site")?,
            chain: text(&give.chain).at("chain")?,
            certificate: certificate()?,
            organization: text(&give.organization).at("organization")?,
            command: (!command.is_empty()).then(|| uuid(command).map(CommandId)).transpose().at("about_command_id")?,
            day: (!give.date.is_empty()).then(|| day(&give.date)).transpose().at("date")?,
            days: give.days,
            quantity: give.quantity_milli.map(Milli),
        })
    };
    read().map(Action::GiveNotice).at("give_notice")
}
