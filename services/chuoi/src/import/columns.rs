//! What each column is: headers in Vietnamese or English, with or without marks, mapped to fields; what is not known is said.

use std::collections::BTreeMap;

use domain::text::fold;

use super::sheet::Row;

/// Rows above the header: a title, a form's number.
const TITLE_ROWS: usize = 20;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $key:literal [$($word:literal),* $(,)?]),* $(,)?) => {
        /// What a cell can say.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[$doc])* $name),* }

        impl Field {
            const ALL: &'static [(Field, &'static str, &'static [&'static str])] =
                &[$((Field::$name, $key, &[$($word),*])),*];

            /// Its name, as `--map` takes it.
            pub fn key(self) -> &'static str {
                Field::ALL.iter().find(|(field, ..)| *field == self).map_or("", |(_, key, _)| key)
            }
        }
    };
}

fields! {
    /// When it happened: a day, or a day and a time.
    Date = "date" ["ngày", "ngày giờ", "thời gian", "ngày tháng", "ngày thu hoạch", "ngày xuất", "ngày nhận", "ngày bán", "when", "at"],
    /// The time of that day, in a column of its own.
    Time = "time" ["giờ", "lúc", "hour"],
    /// Where in a day a count lies.
    Part = "part" ["buổi", "thời điểm kiểm kê", "day part"],
    /// Where it happened.
    Site = "site" ["cơ sở", "địa điểm", "điểm bán", "cửa hàng", "siêu thị", "nơi", "kho", "nơi sản xuất", "trang trại", "shop", "store"],
    /// Site that a shipment leaves.
    From = "from" ["từ", "nơi đi", "nơi xuất", "kho xuất", "từ kho", "from site"],
    /// Site that a shipment goes to.
    To = "to" ["đến", "nơi đến", "nơi nhận", "kho nhận", "đến kho", "to site"],
    /// Product.
    Product = "product" ["sản phẩm", "mặt hàng", "tên hàng", "tên hàng hóa", "mã hàng", "tên sản phẩm", "mã sản phẩm", "hàng hóa", "gtin", "product code"],
    /// Code of a lot.
    Lot = "lot" ["lô", "mã lô", "số lô", "lô hàng", "lot code", "batch"],
    /// Who assigned that code.
    Issuer = "issuer" ["đơn vị cấp mã", "nhà cung cấp", "htx", "hợp tác xã", "supplier"],
    /// Chain.
    Chain = "chain" ["chuỗi", "mã chuỗi", "chain code"],
    /// How much.
    Quantity = "quantity" ["số lượng", "khối lượng", "lượng", "sl", "kl", "thực nhận", "thực xuất", "qty", "amount"],
    /// Its unit.
    Unit = "unit" ["đơn vị tính", "đvt", "đơn vị", "uom"],
    /// The same goods in another unit.
    Catch = "catch" ["số con", "số đầu", "cân nặng", "trọng lượng cân", "catch weight", "pieces"],
    /// Last day on which it may be sold.
    Expiry = "expiry" ["hạn dùng", "hsd", "hạn sử dụng", "expiry date", "use by"],
    /// Plot or barn.
    Plot = "plot" ["thửa", "thửa ruộng", "ruộng", "chuồng", "ao"],
    /// Days that have to pass between a treatment and a harvest.
    WaitingDays = "waiting-days" ["thời gian cách ly", "cách ly", "số ngày cách ly", "waiting days", "pre-harvest interval"],
    /// Household.
    Household = "household" ["hộ", "mã hộ", "hộ dân", "xã viên"],
    /// Code of a shipment.
    Shipment = "shipment" ["số phiếu", "phiếu xuất", "mã chuyến", "chuyến hàng", "phiếu", "số phiếu xuất", "shipment code"],
    /// Number of an order.
    Order = "order" ["đơn hàng", "số đơn hàng", "đơn đặt hàng", "order code"],
    /// How often a code was scanned.
    Scans = "scans" ["lượt quét", "số lượt quét", "scan count"],
    /// Who placed it.
    Buyer = "buyer" ["bên mua", "người mua", "đơn vị đặt hàng"],
    /// Who issued that code.
    Sender = "sender" ["đơn vị gửi", "bên giao", "người gửi"],
    /// Trip.
    Trip = "trip" ["chuyến xe", "xe", "biển số", "truck"],
    /// Logistic unit.
    Sscc = "sscc" ["mã thùng", "mã kiện", "mã pallet"],
    /// Reason.
    Reason = "reason" ["lý do", "nguyên nhân"],
    /// Kind of work.
    Process = "process" ["công đoạn", "hình thức chế biến"],
    /// What groups rows of one transformation.
    Batch = "run" ["mẻ", "số mẻ"],
    /// Product that comes out.
    OutProduct = "out_product" ["sản phẩm ra", "thành phẩm", "mã thành phẩm"],
    /// Lot that comes out.
    OutLot = "out_lot" ["lô ra", "lô thành phẩm", "mã lô ra"],
    /// How much of it.
    OutQuantity = "out_quantity" ["số lượng ra", "khối lượng ra", "lượng ra"],
    /// Mass lost, in grams.
    LossGram = "loss_gram" ["hao hụt (g)", "hao hụt g", "loss (g)"],
    /// Degrees Celsius.
    Celsius = "celsius" ["nhiệt độ", "nhiệt độ (°c)", "temperature"],
    /// What is observed.
    What = "what" ["chỉ tiêu", "nội dung", "nội dung kiểm tra"],
    /// What came out.
    Finding = "finding" ["kết quả", "kết luận", "result"],
    /// Number of a report, sample or certificate.
    Reference = "reference" ["số mẫu", "số biên bản", "số chứng nhận"],
    /// The paper behind it.
    Document = "document" ["chứng từ", "số chứng từ", "paper"],
    /// Remark.
    Note = "note" ["ghi chú", "diễn giải", "remark"],
    /// An id of the row's own, which stays when the row is corrected before it was accepted.
    Id = "id" ["mã dòng", "command id"],
    /// Code of a thing that is registered.
    Code = "code" ["mã"],
    /// Its name.
    Name = "name" ["tên", "tên cơ sở", "tên đơn vị", "tên chuỗi"],
    /// Its kind.
    Kind = "kind" ["loại", "loại hình"],
    /// Organization that runs or leads it.
    Organization = "organization" ["đơn vị quản lý", "đơn vị chủ trì", "chủ cơ sở", "tổ chức", "lead"],
    /// District.
    District = "district" ["quận", "huyện", "quận/huyện", "quận huyện", "địa bàn", "district code"],
    /// GLN.
    Gln = "gln" ["mã gln"],
    /// Latitude.
    Latitude = "latitude" ["vĩ độ", "lat"],
    /// Longitude.
    Longitude = "longitude" ["kinh độ", "lon", "lng"],
    /// Product group.
    Group = "group" ["nhóm", "nhóm hàng", "nhóm sản phẩm"],
    /// Days that a product keeps.
    ShelfLife = "shelf_life_days" ["hạn bảo quản (ngày)", "số ngày bảo quản", "shelf life"],
    /// Grams in a base unit.
    MassGram = "mass_gram" ["khối lượng (g)", "mass (g)"],
    /// Number, as printed.
    Number = "number" ["số", "số hiệu", "số giấy chứng nhận", "số giấy", "certificate number"],
    /// Who issued it.
    IssuedBy = "issued_by" ["cơ quan cấp", "tổ chức chứng nhận", "nơi cấp", "issued by"],
    /// Last day.
    Until = "until" ["đến ngày", "có giá trị đến", "hiệu lực đến", "ngày hết hạn", "valid until"],
    /// How it stands.
    Standing = "standing" ["tình trạng", "trạng thái", "hiện trạng"],
    /// Number of a dossier.
    Dossier = "dossier" ["hồ sơ", "số hồ sơ", "mã hồ sơ"],
    /// Points of part A.
    Community = "community" ["điểm a", "phần a", "điểm phần a", "sức mạnh cộng đồng"],
    /// Points of part B.
    Marketing = "marketing" ["điểm b", "phần b", "điểm phần b", "khả năng tiếp thị"],
    /// Points of part C.
    Quality = "quality" ["điểm c", "phần c", "điểm phần c", "chất lượng sản phẩm"],
    /// Level of a body.
    Level = "level" ["cấp", "cấp đánh giá", "cấp công nhận"],
    /// Number of a decision.
    Decision = "decision" ["quyết định", "số quyết định", "văn bản", "kế hoạch"],
    /// Unit that another passes to.
    ToDistrict = "to_district" ["đơn vị mới", "thuộc về", "sáp nhập vào", "đơn vị hành chính mới"],
    /// How much of it passes, in percent.
    Share = "share" ["tỷ lệ", "tỷ lệ (%)", "phần trăm"],
    /// Trade of a village.
    Trade = "trade" ["nghề", "ngành nghề", "nghề truyền thống"],
    /// Trademark.
    Mark = "mark" ["nhãn hiệu", "tên nhãn hiệu", "trademark"],
    /// Series of labels.
    Series = "series" ["ký hiệu tem", "sê-ri", "seri", "loại tem"],
    /// First number.
    First = "first" ["từ số", "số bắt đầu"],
    /// Last number.
    Last = "last" ["đến số", "số kết thúc"],
    /// What is counted.
    Measure = "measure" ["chỉ số", "tiêu chí", "chỉ tiêu kế hoạch"],
    /// How many are aimed at.
    Target = "target" ["mục tiêu", "giá trị mục tiêu"],
    /// Day by which.
    Due = "due" ["thời hạn", "hạn hoàn thành", "hạn giao", "ngày giao", "due date"],
    /// Capacity a day.
    Capacity = "capacity" ["công suất", "công suất/ngày", "capacity per day"],
}

/// Which cell is what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The row of the header, as a spreadsheet counts.
    pub row: u64,
    places: BTreeMap<Field, usize>,
    headers: Vec<String>,
    /// Units that headers say in brackets: `Số lượng (kg)`.
    units: BTreeMap<Field, String>,
}

/// Why a header cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No row looks like one.
    #[error(
        "no header found in the first {TITLE_ROWS} rows: at least {needed} are needed, in Vietnamese or English; name others with --map \"COLUMN=FIELD\""
    )]
    NoHeader {
        /// Fields that are needed, as they may be written.
        needed: String,
    },
    /// A needed column is missing.
    #[error("row {row}: no column says {missing}; there are {there}; name it with --map \"COLUMN={key}\"")]
    Missing {
        /// The header's row.
        row: u64,
        /// The field, as it may be written.
        missing: String,
        /// Its key.
        key: &'static str,
        /// Columns that are there.
        there: String,
    },
    /// Two columns say the same.
    #[error("row {row}: the columns {one:?} and {other:?} both say {key}; rename one, or name which with --map \"COLUMN={key}\"")]
    Twice {
        /// The header's row.
        row: u64,
        /// First column.
        one: String,
        /// Second column.
        other: String,
        /// The field's key.
        key: &'static str,
    },
    /// `--map` names no field.
    #[error("--map {given:?}: {what:?} is no field; fields are {fields}")]
    NoField {
        /// As given.
        given: String,
        /// What is none.
        what: String,
        /// All fields.
        fields: String,
    },
}

/// What `--map` says: column and field.
pub fn mapping(given: &str) -> Result<(String, Field), HeaderError> {
    let (column, key) = given.rsplit_once('=').unwrap_or((given, ""));
    let field = Field::ALL.iter().find(|(_, known, _)| *known == key.trim()).map(|(field, ..)| *field);
    field.map(|field| (fold(column), field)).ok_or_else(|| HeaderError::NoField {
        given: given.to_owned(),
        what: key.to_owned(),
        fields: Field::ALL.iter().map(|(_, key, _)| *key).collect::<Vec<_>>().join(", "),
    })
}

/// A header as words, and a unit in brackets behind it.
fn words(header: &str) -> (String, Option<String>) {
    let folded = |text: &str| fold(text).trim_matches(|c: char| matches!(c, '*' | ':' | '.' | ' ')).to_owned();
    match header.trim().strip_suffix(')').and_then(|header| header.rsplit_once('(')) {
        Some((name, unit)) => (folded(name), Some(unit.trim().to_owned())),
        None => (folded(header), None),
    }
}

fn field(header: &str, mapped: &[(String, Field)]) -> Option<(Field, Option<String>)> {
    let whole = fold(header);
    if let Some((_, field)) = mapped.iter().find(|(column, _)| *column == whole) {
        return Some((*field, words(header).1));
    }
    let (name, unit) = words(header);
    let is = |name: &str, key: &str, known: &[&str]| fold(key) == name || known.iter().any(|word| fold(word) == name);
    let find = |name: &str| Field::ALL.iter().find(|(_, key, known)| is(name, key, known)).map(|(field, ..)| *field);
    find(&whole).map(|field| (field, None)).or_else(|| find(&name).map(|field| (field, unit)))
}

impl Columns {
    /// Takes a row as the header if it names enough of what is needed.
    pub fn of(row: &Row, needed: &[Field], mapped: &[(String, Field)]) -> Result<Option<Columns>, HeaderError> {
        let mut columns = Columns { row: row.number, ..Columns::default() };
        columns.headers = row.cells.iter().map(|cell| cell.text().trim().to_owned()).collect();
        let by_map = |header: &str| mapped.iter().any(|(column, _)| *column == fold(header));
        let mut twice = None;
        for (place, header) in columns.headers.iter().enumerate().filter(|(_, header)| !header.is_empty()) {
            let Some((field, unit)) = field(header, mapped) else { continue };
            match columns.places.get(&field).copied() {
                Some(known) if by_map(header) && !by_map(&columns.headers[known]) => {}
                Some(known) => {
                    let (one, other) = (columns.headers[known].clone(), header.clone());
                    if !by_map(&columns.headers[known]) {
                        twice.get_or_insert(HeaderError::Twice { row: row.number, one, other, key: field.key() });
                    }
                    continue;
                }
                None => {}
            }
            columns.places.insert(field, place);
            columns.units.extend(unit.map(|unit| (field, unit)));
        }
        let found = needed.iter().filter(|field| columns.places.contains_key(field)).count();
        if found * 2 < needed.len() || found == 0 {
            return Ok(None);
        }
        if let Some(twice) = twice {
            return Err(twice);
        }
        match needed.iter().find(|field| !columns.places.contains_key(field)) {
            None => Ok(Some(columns)),
            Some(missing) => Err(HeaderError::Missing {
                row: row.number,
                missing: spelled(*missing),
                key: missing.key(),
                there: columns.headers.iter().filter(|header| !header.is_empty()).cloned().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// No row was taken as the header.
    pub fn none(needed: &[Field]) -> HeaderError {
        HeaderError::NoHeader { needed: needed.iter().map(|field| spelled(*field)).collect::<Vec<_>>().join(", ") }
    }

    /// Whether there may be a header further down.
    pub fn may_follow(seen: usize) -> bool {
        seen < TITLE_ROWS
    }

    /// Where a field stands.
    pub fn place(&self, field: Field) -> Option<usize> {
        self.places.get(&field).copied()
    }

    /// The column's header as it is written; the field's own name where there is none.
    pub fn header(&self, field: Field) -> String {
        self.place(field).and_then(|place| self.headers.get(place)).cloned().unwrap_or_else(|| field.key().to_owned())
    }

    /// The unit that a header says.
    pub fn unit(&self, field: Field) -> Option<&str> {
        self.units.get(&field).map(String::as_str)
    }

    /// All headers, as they are written.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Columns that say nothing that is known.
    pub fn unknown(&self) -> Vec<&str> {
        let known: Vec<usize> = self.places.values().copied().collect();
        let named = self.headers.iter().enumerate().filter(|(place, header)| !header.is_empty() && !known.contains(place));
        named.map(|(_, header)| header.as_str()).collect()
    }
}

/// A field as its column may be called.
fn spelled(field: Field) -> String {
    let known = Field::ALL.iter().find(|(known, ..)| *known == field);
    known.map_or(String::new(), |(_, key, words)| format!("{:?} ({key})", words.first().copied().unwrap_or(key)))
}

#[cfg(test)]
mod tests {
    use super::super::sheet::Cell;
    use super::*;

    fn row(cells: &[&str]) -> Row {
        Row { number: 4, cells: cells.iter().map(|text| Cell::Text((*text).to_owned())).collect() }
    }

    const NEEDED: [Field; 4] = [Field::Date, Field::Site, Field::Product, Field::Quantity];

    #[test]
    fn headers_are_read_in_both_languages_with_and_without_marks() {
        for header in [
            ["Ngày", "Cơ sở", "Tên hàng", "Số lượng (kg)"],
            ["NGAY *", "diem ban", "san pham", "SL"],
            ["date", "Site", "product", "Quantity:"],
        ] {
            let columns = Columns::of(&row(&header), &NEEDED, &[]).unwrap().unwrap();
            assert_eq!(NEEDED.map(|field| columns.place(field)), [Some(0), Some(1), Some(2), Some(3)], "{header:?}");
        }
        let columns = Columns::of(&row(&["Ngày", "Cơ sở", "Tên hàng", "Số lượng (kg)"]), &NEEDED, &[]).unwrap().unwrap();
        assert_eq!(columns.unit(Field::Quantity), Some("kg"));
    }

    #[test]
    fn a_title_is_no_header_and_what_is_missing_or_twice_is_said() {
        assert_eq!(Columns::of(&row(&["PHIẾU XUẤT KHO", "", "Số: 12"]), &NEEDED, &[]), Ok(None));
        let missing = Columns::of(&row(&["Ngày", "Cơ sở", "Tên hàng", "Cân"]), &NEEDED, &[]).unwrap_err();
        assert!(missing.to_string().contains("Cân") && missing.to_string().contains("COLUMN=quantity"), "{missing}");
        let mapped = [mapping("Cân=quantity").unwrap()];
        let columns = Columns::of(&row(&["Ngày", "Cơ sở", "Tên hàng", "Cân", "SL", "Kệ"]), &NEEDED, &mapped).unwrap().unwrap();
        assert_eq!((columns.place(Field::Quantity), columns.unknown()), (Some(3), vec!["SL", "Kệ"]));
        let twice = Columns::of(&row(&["Ngày", "Cơ sở", "Tên hàng", "SL", "Số lượng"]), &NEEDED, &[]).unwrap_err();
        assert!(matches!(twice, HeaderError::Twice { .. }), "{twice}");
        assert!(matches!(mapping("Cân=weight"), Err(HeaderError::NoField { .. })));
    }

    #[test]
    fn no_word_names_two_fields() {
        let mut seen: BTreeMap<String, Field> = BTreeMap::new();
        for (field, key, words) in Field::ALL {
            for word in words.iter().chain([key]) {
                let known = seen.insert(fold(word), *field);
                assert!(known.is_none_or(|known| known == *field), "{word:?} is {known:?} and {field:?}");
            }
        }
    }
}
