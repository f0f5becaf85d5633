//! Notices.

use super::{bytes, product_code};
use crate::proto::chuoi::event::v1 as proto;
use crate::proto::chuoi::event::v1::event::Fact as ProtoFact;
use crate::undecodable::{At as _, Undecodable, uuid};
use crate::words;
use domain::event::NoticeGiven;
use domain::event::programme::CertificateRef;
use domain::id::{ChainCode, CommandId, LotId, OrganizationCode, SiteCode};
use domain::quantity::Milli;
use domain::time::BusinessDay;

pub(super) fn read(notice: &proto::NoticeGiven) -> Result<NoticeGiven, Undecodable> {
    let certificate = || {
        let kind = words::said(words::certificate_kind(notice.certificate_kind), notice.certificate_kind);
        Ok::<_, Undecodable>(CertificateRef { kind: kind.at("certificate_kind")?, number: notice.certificate_number.clone() })
    };
    let id = |id: &[u8]| (!id.is_empty()).then(|| uuid(id)).transpose();
    Ok(NoticeGiven {
        kind: words::said(words::notice_kind(notice.kind), notice.kind).at("kind")?,
        key: notice.key.as_str().into(),
        lot: id(&notice.lot_id).at("lot_id")?.map(LotId),
        product: product_code(&notice.product_code)?,
        site: (!notice.site_code.is_empty()).then(|| SiteCode::parse(&notice.site_code)).transpose().at("site_code")?,
        chain: (!notice.chain_code.is_empty()).then(|| ChainCode::parse(&notice.chain_code)).transpose().at("chain_code")?,
        certificate: (notice.certificate_kind != 0).then(certificate).transpose()?,
        organization: (!notice.organization_code.is_empty())
            .then(|| OrganizationCode::parse(&notice.organization_code))
            .transpose()
            .at("organization_code")?,
        command: id(&notice.command_id).at("command_id")?.map(CommandId),
        day: notice.day.map(BusinessDay),
        days: notice.days,
        quantity: notice.quantity_milli.map(Milli),
    })
}

pub(super) fn write(notice: &NoticeGiven) -> ProtoFact {
    let NoticeGiven { kind, key, lot, product, site, chain, certificate, organization, command, day, days, quantity } = notice;
    ProtoFact::NoticeGiven(proto::NoticeGiven {
        kind: words::write_notice_kind(*kind),
        key: key.to_string(),
        lot_id: lot.map(|lot| bytes(lot.0)).unwrap_or_default(),
        product_code: code(product),
        site_code: code(site),
        chain_code: code(chain),
        certificate_kind: certificate
            .as_ref()
            .map(|certificate| words::write_certificate_kind(certificate.kind))
            .unwrap_or_default(),
        certificate_number: certificate.as_ref().map(|certificate| certificate.number.clone()).unwrap_or_default(),
        organization_code: code(organization),
        command_id: command.map(|command| bytes(command.0)).unwrap_or_default(),
        day: day.map(|day| day.0),
        days: *days,
        quantity_milli: quantity.map(|quantity| quantity.0),
    })
}

fn code(code: &Option<impl ToString>) -> String {
    code.as_ref().map(ToString::to_string).unwrap_or_default()
}
