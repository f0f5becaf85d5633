//! Names for ids and ids for names, asked of the query services. What a person types is resolved or refused; what is only
//! shown is looked up as far as the services answer.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use tonic::Code;
use tonic::transport::Channel;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::Event;
use wire::proto::chuoi::record::v1::{LotReference, Recorded, ShipmentReference};
use wire::proto::chuoi::registry::v1::GetProductRequest;
use wire::proto::chuoi::registry::v1::registry_service_client::RegistryServiceClient;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{GetShipmentRequest, ListShipmentsRequest, ShipmentState};
use wire::proto::chuoi::trace::v1::trace_service_client::TraceServiceClient;
use wire::proto::chuoi::trace::v1::{LotSummary, TraceLotRequest};

use super::answer::{lots_of, new_lots_of, shipments_of};
use super::{Client, answered, query};
use crate::failure::Failure;

/// An answer names at most so many lots; beyond that ids must do.
const LOOKED_UP: usize = 30;
/// Names make an answer readable; they are not worth a long wait.
const PATIENCE: Duration = Duration::from_secs(3);
/// Waits before a name is looked for again: the command before may have recorded it a moment ago.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(900)];

/// A lot as people know it.
#[derive(Clone, Debug, Default)]
pub struct Lot {
    /// Code of its product.
    pub product_code: String,
    /// Name of its product.
    pub product_name: String,
    /// Its code.
    pub lot_code: String,
    /// Unit in which it is counted.
    pub unit: String,
}

/// Names of lots and shipments, by id.
#[derive(Debug, Default)]
pub struct Names {
    lots: BTreeMap<Uuid, Lot>,
    shipments: BTreeMap<Uuid, String>,
}

impl Names {
    /// Names of the lots and shipments in what was recorded.
    pub async fn of(client: &Client, recorded: &Recorded) -> Names {
        let looked_up = Names::look_up(client, &recorded.events, &recorded.position);
        tokio::time::timeout(PATIENCE, looked_up).await.unwrap_or_default()
    }

    async fn look_up(client: &Client, events: &[Event], position: &str) -> Names {
        let mut names = Names::default();
        // Lots that begin here may not have reached the views yet: the events themselves describe them.
        let begun: BTreeMap<Uuid, _> = events.iter().flat_map(new_lots_of).take(LOOKED_UP).collect();
        let mut products = BTreeMap::new();
        for lot in begun.values() {
            if !products.contains_key(&lot.product_code) {
                let product = product(&client.channel, &lot.product_code).await.unwrap_or_default();
                products.insert(lot.product_code.clone(), product);
            }
        }
        for (id, lot) in &begun {
            let (product_name, unit) = products.get(&lot.product_code).cloned().unwrap_or_default();
            let (product_code, lot_code) = (lot.product_code.clone(), lot.lot_code.clone());
            names.lots.insert(*id, Lot { product_code, product_name, lot_code, unit });
        }
        let known: std::collections::BTreeSet<Uuid> =
            events.iter().flat_map(lots_of).filter(|id| !begun.contains_key(id)).collect();
        let asked = known.into_iter().take(LOOKED_UP).map(|id| lot(&client.channel, id, position));
        names.lots.extend(join_all(asked).await.into_iter().flatten());
        let named: std::collections::BTreeSet<Uuid> = events.iter().flat_map(shipments_of).collect();
        let asked = named.into_iter().take(LOOKED_UP).map(|id| shipment(&client.channel, id, position));
        names.shipments.extend(join_all(asked).await.into_iter().flatten());
        names
    }

    /// Names that are known already: id, product, its name, code of the lot, unit.
    #[cfg(test)]
    pub fn known(lots: &[(Uuid, &str, &str, &str, &str)]) -> Names {
        let named = lots.iter().map(|(id, product_code, product_name, lot_code, unit)| {
            let [product_code, product_name, lot_code, unit] =
                [product_code, product_name, lot_code, unit].map(|text| (*text).to_owned());
            (*id, Lot { product_code, product_name, lot_code, unit })
        });
        Names { lots: named.collect(), shipments: BTreeMap::new() }
    }

    /// A shipment as people know it: ISSUER/CODE; its id where that is all we have.
    pub fn shipment(&self, id: &[u8]) -> String {
        let Ok(id) = Uuid::from_slice(id) else { return String::new() };
        self.shipments.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// A lot as people know it; its id where that is all we have.
    pub fn lot(&self, id: &[u8]) -> Lot {
        let Ok(id) = Uuid::from_slice(id) else { return Lot::default() };
        self.lots.get(&id).cloned().unwrap_or_else(|| Lot { lot_code: id.to_string(), ..Lot::default() })
    }
}

async fn product(channel: &Channel, code: &str) -> Option<(String, String)> {
    let mut registry = super::service!(RegistryServiceClient<Channel>, channel.clone());
    let asked = GetProductRequest { product: code.to_owned(), at_least: String::new() };
    let registered = registry.get_product(asked).await.ok()?.into_inner().product?.registered?;
    Some((registered.name, registered.base_unit))
}

async fn lot(channel: &Channel, id: Uuid, position: &str) -> Option<(Uuid, Lot)> {
    let mut trace = super::service!(TraceServiceClient<Channel>, channel.clone());
    let asked =
        TraceLotRequest { lot_id: id.to_string(), page_size: 1, at_least: position.to_owned(), ..TraceLotRequest::default() };
    let lot = trace.trace_lot(asked).await.ok()?.into_inner().lot?;
    let (product_code, product_name) = (lot.product_code, lot.product_name);
    Some((id, Lot { product_code, product_name, lot_code: lot.lot_code, unit: lot.unit }))
}

async fn shipment(channel: &Channel, id: Uuid, position: &str) -> Option<(Uuid, String)> {
    let mut stock = super::service!(StockServiceClient<Channel>, channel.clone());
    let asked =
        GetShipmentRequest { shipment_id: id.to_string(), at_least: position.to_owned(), ..GetShipmentRequest::default() };
    let shipment = stock.get_shipment(asked).await.ok()?.into_inner().shipment?;
    // A return has no code of its own.
    (!shipment.shipment_code.is_empty()).then(|| (id, format!("{}/{}", shipment.issuer_code, shipment.shipment_code)))
}

/// Finds the lot that its code alone names: a shop knows what is printed on the bag, not who assigned it.
pub async fn resolve_lot(client: &Client, lot: &mut LotReference) -> Result<(), Failure> {
    if !lot.lot_id.is_empty() || !lot.product.is_empty() {
        return Ok(());
    }
    let mut trace = super::service!(TraceServiceClient<Channel>, client.channel.clone());
    let asked = TraceLotRequest { lot_code: lot.lot_code.clone(), page_size: 1, ..TraceLotRequest::default() };
    let mut pauses = PAUSES.into_iter();
    let answer = loop {
        match (trace.trace_lot(query(asked.clone())).await, pauses.next()) {
            (Err(status), Some(pause)) if status.code() == Code::NotFound => tokio::time::sleep(pause).await,
            (Err(status), None) if status.code() == Code::NotFound => {
                return Err(Failure::Refused(format!(
                    "no lot has the code {:?}; check the code, or say PRODUCT/LOT or ISSUER/PRODUCT/LOT",
                    lot.lot_code
                )));
            }
            (answer, _) => break answered(answer)?,
        }
    };
    match answer.lot {
        Some(found) => {
            lot.lot_id = found.lot_id;
            lot.lot_code.clear();
            Ok(())
        }
        None => Err(Failure::Refused(ambiguous(&lot.lot_code, &answer.candidates))),
    }
}

/// What to say where a code names several lots.
pub fn ambiguous(code: &str, candidates: &[LotSummary]) -> String {
    let named = |lot: &LotSummary| format!("  {}/{}/{}  {}", lot.issuer_code, lot.product_code, lot.lot_code, lot.product_name);
    let named: Vec<String> = candidates.iter().map(named).collect();
    format!("{} lots have the code {code:?}; say which:\n{}", candidates.len(), named.join("\n"))
}

/// Finds the shipment that its code alone names among those on their way to a site: a receiver knows the number of the slip,
/// not who issued it. Left as it is where nothing fits: the code is then one of the caller's own.
pub async fn resolve_shipment(client: &Client, shipment: &mut ShipmentReference, site: &str) -> Result<(), Failure> {
    if !shipment.shipment_id.is_empty() || !shipment.issuer.is_empty() || site.is_empty() {
        return Ok(());
    }
    let mut pauses = PAUSES.into_iter();
    loop {
        match (shipment_to(client, site, &shipment.shipment_code).await, pauses.next()) {
            (Some(found), _) => {
                *shipment = ShipmentReference { shipment_id: found, ..ShipmentReference::default() };
                return Ok(());
            }
            (None, Some(pause)) => tokio::time::sleep(pause).await,
            (None, None) => return Ok(()),
        }
    }
}

/// The id of a shipment to a site by its code alone. A site by its name, or query services that are away, give none: the
/// recorder then says what is wrong, if anything is.
async fn shipment_to(client: &Client, site: &str, code: &str) -> Option<String> {
    let mut stock = super::service!(StockServiceClient<Channel>, client.channel.clone());
    let (to_sites, shipment_code) = (vec![site.to_owned()], code.to_owned());
    let asked = ListShipmentsRequest { to_sites, shipment_code, ..ListShipmentsRequest::default() };
    let mut found = stock.list_shipments(query(asked)).await.ok()?.into_inner().shipments;
    if found.len() > 1 {
        // Several issued that number: the one that is still on its way is meant, if it is one.
        found.retain(|shipment| shipment.state() == ShipmentState::Open);
    }
    let one = found.pop()?;
    found.is_empty().then_some(one.shipment_id)
}
